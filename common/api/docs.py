"""The OpenAPI document and Swagger UI.

The first request for one of them imports this module. drf-spectacular's generators cost 4 MiB and
0.1 s, which a service does not pay at startup or while idle.
"""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

READ_ONLY = ["get", "head"]  # Neither view can render an answer to OPTIONS.
document = SpectacularAPIView.as_view(http_method_names=READ_ONLY)
# Split, because the Content-Security-Policy forbids the script that the other one has in its page.
page = SpectacularSwaggerSplitView.as_view(url_name="schema", http_method_names=READ_ONLY)
