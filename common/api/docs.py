"""The OpenAPI document, and Swagger UI, which shows it.

This is imported by the first request for one of them. drf-spectacular's generators take 4 MiB and
0.1 s, which a service that starts or rests does not spend.
"""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

READ_ONLY = ["get", "head"]  # neither view has a template for an answer to OPTIONS
document = SpectacularAPIView.as_view(http_method_names=READ_ONLY)
page = SpectacularSwaggerView.as_view(url_name="schema", http_method_names=READ_ONLY)
