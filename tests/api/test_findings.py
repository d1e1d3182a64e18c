"""Inspectors' findings: theirs alone, kept as they were first written."""

from uuid import uuid4

import pytest

from tests.api.conftest import Site
from tests.workflows.hotline import eventually

FINDING = "未联系诉求人即反馈办结"


async def test_inspectors_read_what_inspectors_found(each_site: Site) -> None:
    site = each_site
    number = await site.dispatched()
    for text in (FINDING, "第二条"):
        answer = await site.step(number, "findings", "inspector", text=text)
        assert answer.status_code == 201, answer.text
    found = await site.get(f"/cases/{number}/findings", "inspector")
    assert [finding["text"] for finding in found] == [FINDING, "第二条"]
    assert found[0]["author"] == site.keys["inspector"].split("_")[1]


async def test_nothing_of_a_finding_shows_in_the_case(each_site: Site) -> None:
    site = each_site
    number = await site.dispatched()

    async def told() -> bool:
        messages = (await site.get(f"/cases/{number}/timeline", "inspector"))["messages"]
        return {message["party"] for message in messages} >= {"citizen", "unit"}

    await eventually(told)
    roles = ("zz-water", "agent", "dispatcher", "supervisor", "callback", "grid")
    paths = (f"/cases/{number}", f"/cases/{number}/timeline")
    before = {(by, path): (await site.call("GET", path, by)).text for by in roles for path in paths}
    assert (await site.step(number, "findings", "inspector", text=FINDING)).status_code == 201
    assert {(by, path): (await site.call("GET", path, by)).text for by in roles for path in paths} == before


async def test_the_same_key_is_the_same_finding(each_site: Site) -> None:
    site = each_site
    number, key = await site.receive(), str(uuid4())
    first = await site.step(number, "findings", "inspector", key, text=FINDING)
    again = await site.step(number, "findings", "inspector", key, text=FINDING)
    other = await site.step(number, "findings", "inspector", key, text="别的")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert again.json() == first.json()
    assert other.json()["code"] == "idempotency_key_reused"
    assert len(await site.get(f"/cases/{number}/findings", "inspector")) == 1


@pytest.mark.parametrize("body", [{}, {"text": " "}, {"text": "x" * 4001}, {"text": "x", "about": "zz-water"}])
async def test_a_finding_is_a_text(site: Site, body: dict[str, str]) -> None:
    answer = await site.step(await site.receive(), "findings", "inspector", **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_reading_findings_is_recorded(site: Site) -> None:
    number = await site.receive()
    await site.get(f"/cases/{number}/findings", "inspector")
    await site.step(number, "findings", "inspector", text=FINDING)
    await site.get(f"/cases/{number}/findings", "inspector")
    items = (await site.get(f"/cases/{number}/readers", "inspector"))["items"]
    assert [item["what"] for item in items] == ["findings"]
