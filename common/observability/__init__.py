"""What operators see of a service.

- `request_ids.py` gives each request an id, which its answer and all of its log lines carry.
- `logs.py` writes log lines as JSON.
- `metrics.py` counts requests for Prometheus.
- `health.py` answers the probes /livez and /readyz, and /metrics.
"""
