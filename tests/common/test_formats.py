"""What a view says about formats, errors and bodies, whatever its mixins are."""

from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework import versioning
from rest_framework.renderers import BaseRenderer

from common.api.renderers import JSONRenderer
from tests.common.samples import SampleViewSet, tables
from tests.common.test_drop_in import answer, both
from tests.common.test_refusals import make_samples

__all__ = ["tables"]

rf = RequestFactory()


class CSV(BaseRenderer):
    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return b"csv"


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [("text/csv", {}), ("text/*", {}), ("*/*", {"format": "csv"}), ("text/csv, */*;q=0.1", {})],
)
def test_a_client_gets_the_format_that_it_asks_for(
    tables: None, accept: str, suffix: dict[str, str]
) -> None:
    """A view's own renderer was passed over unless `?format=` named it."""
    make_samples(1)
    _, body, _ = both(
        renderer_classes=[JSONRenderer, CSV], request=("get", {"Accept": accept}), kwargs=suffix
    )
    assert body == b"csv"


@pytest.mark.parametrize("accept", ["", "*/*", "text/plain", "image/png, */*;q=0.5", "x"])
def test_other_clients_get_json(tables: None, accept: str) -> None:
    _, body, _ = both(
        renderer_classes=[JSONRenderer, CSV], request=("get", {"Accept": accept}), coalesce=()
    )
    assert body == b"[]"


def test_a_version_in_the_accept_header_is_read(tables: None) -> None:
    versions = []

    class Versioned(SampleViewSet):
        versioning_class = versioning.AcceptHeaderVersioning

        def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
            super().initial(request, *args, **kwargs)
            versions.append(request.version)

    answer(Versioned, rf.get("/", headers={"Accept": "application/json; version=2"}))
    assert versions == ["2"]
