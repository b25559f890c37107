"""The OpenAPI document, and the page that shows it."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

READ_ONLY = ["get", "head"]  # neither view has a template for an answer to OPTIONS
document = SpectacularAPIView.as_view(http_method_names=READ_ONLY)
page = SpectacularSwaggerView.as_view(url_name="schema", http_method_names=READ_ONLY)
