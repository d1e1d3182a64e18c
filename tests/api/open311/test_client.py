"""A client that others wrote understands us, in both formats."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from georeport import GeoReport

from tests.api.conftest import Site
from tests.api.open311.geo_report import App


@pytest.mark.parametrize("kind", ["json", "xml"])
async def test_the_client_of_others_reads_services_definitions_and_requests(each_site: Site, kind: str) -> None:
    app = App(each_site, each_site.keys["integration"], f".{kind}")
    number, another = await app.file(), await app.file()
    client = GeoReport(f"http://127.0.0.1:{each_site.api.port}/open311/v2", "zhengzhou.gov.cn", output_format=kind)

    services = await asyncio.to_thread(client.get_service_list)
    assert "street-light" in {service["service_code"] for service in services}
    definition = await asyncio.to_thread(client.get_service_definition, "manhole")
    assert definition["service_code"] == "manhole"
    request = await asyncio.to_thread(client.get_service_request, number)
    assert (request["service_request_id"], request["status"]) == (number, "open")
    both = await asyncio.to_thread(client.get_service_requests, f"{number},{another}")
    assert {one["service_request_id"] for one in both} == {number, another}
    since = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = await asyncio.to_thread(client.get_service_requests, None, "street-light", since, None, "open")
    assert {number, another} <= {one["service_request_id"] for one in found}
