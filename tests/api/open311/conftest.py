import pytest

from tests.api.conftest import Site
from tests.api.open311.geo_report import App


@pytest.fixture(params=[".json", ".xml", ""])
def suffix(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def app(site: Site, suffix: str) -> App:
    """The city's app, with a key of an integration."""
    return App(site, site.keys["integration"], suffix)


@pytest.fixture
def anybody(site: Site, suffix: str) -> App:
    """An app without a key."""
    return App(site, None, suffix)
