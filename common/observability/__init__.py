"""Request ids, logs, metrics and probes.

- `request_ids.py`: an id for each request, in its answer and in all of its log lines.
- `clients.py`: the address of a request's client, also behind trusted proxies.
- `logs.py`: log lines as JSON.
- `metrics.py`: the number and the duration of requests, for Prometheus.
- `metric_files.py`: the files in which the processes of a service share their metrics.
- `health.py`: the probes /livez and /readyz, and /metrics.
"""
