"""Discovery, services and definitions are as the text of GeoReport v2 wants them, for anybody."""

from typing import Any

import pytest

from tests.api.conftest import OpenSite, Site
from tests.api.open311.geo_report import App, content


@pytest.mark.parametrize("base", ["/open311", "/open311/v2"])
async def test_discovery_tells_where_the_interface_is(site: Site, base: str, suffix: str) -> None:
    answer = await site.call("GET", f"{base}/discovery{suffix}")
    found = content(answer, "discovery", suffix)
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"] == f"http://127.0.0.1:{site.api.port}/open311/v2"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert endpoint["type"] == "production"
    assert found["changeset"] >= "2026-11-22"
    assert "12345" in found["contact"]


@pytest.mark.parametrize("host", ["<b>&", "[", "x" * 3000, "a b", "a/b"])
async def test_a_strange_host_is_not_repeated(site: Site, suffix: str, host: str) -> None:
    answer = await site.call("GET", f"/open311/discovery{suffix}", headers={"Host": host})
    assert answer.status_code == 400
    assert host not in answer.text or host == "["


async def test_a_trial_says_so_and_where_it_is_reached(open_site: OpenSite, new_sqlite: Any, suffix: str) -> None:
    values = {"JIESU_PUBLIC_URL": "https://12345.example.cn/jiesu", "JIESU_SMS_UNLIMITED": "true"}
    async with open_site(new_sqlite(), {"TEMPORAL_ADDRESS": "127.0.0.1:9", **values}) as site:
        answer = await site.call("GET", f"/open311/discovery{suffix}", headers={"Host": "evil.example"})
        (endpoint,) = content(answer, "discovery", suffix)["endpoints"]
        assert (endpoint["url"], endpoint["type"]) == ("https://12345.example.cn/jiesu/open311/v2", "test")


async def test_the_services_are_those_of_the_catalog_and_one_for_all_else(anybody: App, site: Site) -> None:
    catalog = {item["code"]: item for item in await site.get("/catalog")}
    services = {service["service_code"]: service for service in await anybody.get("services", "services")}
    assert services.keys() == catalog.keys() | {"other"}
    for code, item in catalog.items():
        assert services[code]["service_name"] == item["name"]
        assert services[code]["keywords"].split(", ") == item["keywords"]
    assert services["manhole"]["group"] == "市政设施"
    assert services["manhole"]["metadata"] is True
    assert services["trees"]["metadata"] is False
    assert {service["type"] for service in services.values()} == {"realtime"}


async def test_every_definition_has_what_its_service_promises(anybody: App) -> None:
    for service in await anybody.get("services", "services"):
        definition = await anybody.get(f"services/{service['service_code']}", "service_definition")
        assert definition["service_code"] == service["service_code"]
        assert bool(definition["attributes"]) == service["metadata"]


async def test_a_definition_says_what_is_asked_how_and_in_which_order(anybody: App) -> None:
    attributes = (await anybody.get("services/water-pressure", "service_definition"))["attributes"]
    assert [(a["code"], a["datatype"], a["required"], a["order"]) for a in attributes] == [
        ("pressure", "singlevaluelist", True, 1),
        ("hours", "multivaluelist", False, 2),
        ("floor", "number", False, 3),
        ("since", "datetime", False, 4),
    ]
    assert attributes[0]["values"][0] == {"key": "low", "name": "偏低"}
    assert attributes[2]["values"] == []
    told = (await anybody.get("services/manhole", "service_definition"))["attributes"][0]
    assert told["variable"] is False


@pytest.mark.parametrize("path", ["services/nothing", "tokens/nothing", "requests/nothing", "services/%00"])
async def test_what_is_unknown_is_404(anybody: App, path: str) -> None:
    assert await anybody.refused(404, path)


@pytest.mark.parametrize("path", ["services", "services/manhole", "requests"])
async def test_a_jurisdiction_is_this_city_or_none(anybody: App, path: str) -> None:
    shape = {"services": "services", "requests": "service_requests"}.get(path, "service_definition")
    for known in ("", "zhengzhou.gov.cn"):
        await anybody.get(path, shape, jurisdiction_id=known)
    assert "jurisdiction_id" in await anybody.refused(404, path, jurisdiction_id="luoyang.gov.cn")
