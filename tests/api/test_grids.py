"""Grids: where a request is, who is sent there, what a grid does, and vulnerable residents first."""

import os
from typing import Any

import pytest

from domain.roles import Role
from tests.api.conftest import Site
from tests.api.test_attachments import JPEG, attach
from tests.api.test_visibility import key_for
from tests.workflows.hotline import eventually

BADONGLOU: dict[str, Any] = {"longitude": 113.661, "latitude": 34.760}
COMMUNITY, STREET = "zz-g-badonglou", "zz-g-dulingjie"


async def received(site: Site, party: str, number: str) -> list[dict[str, Any]]:
    """What a party of the sandbox city has received about a case, once anything has come."""
    path = "notices" if party == "grid" else "orders"

    async def ask() -> list[dict[str, Any]]:
        answer = await site.http.get(f"{os.environ[f'JIESU_ENDPOINT_{party.upper()}']}/{path}", params={"case": number})
        entries: list[dict[str, Any]] = answer.json()
        return [entry for entry in entries if entry["key"].startswith(f"{number}:")]

    found: list[dict[str, Any]] = await eventually(ask)
    return found


@pytest.fixture
async def member(each_site: Site) -> str:
    return await key_for(each_site, Role.GRID, COMMUNITY)


@pytest.mark.parametrize(
    ("place", "grid", "marked"),
    [
        ({"address": "未来路", **BADONGLOU}, COMMUNITY, False),
        ({"address": None, **BADONGLOU}, COMMUNITY, False),
        ({"address": "未来路5号", "longitude": 120.0, "latitude": 30.0}, "zz-g-weilailu", False),
        ({"address": "未来路5号", "longitude": 34.76, "latitude": 113.661}, "zz-g-weilailu", False),
        ({"address": None, "longitude": 120.0, "latitude": 30.0}, None, True),
        ({"address": "某县某村"}, None, True),
        ({"address": None}, None, False),
    ],
)
async def test_a_request_is_taken_wherever_it_is_and_marked_where_no_grid_is_known(
    site: Site, place: dict[str, Any], grid: str | None, marked: bool
) -> None:
    answer = await site.call("POST", "/cases", "agent", json={"text": "停水", **place})
    assert answer.status_code == 201
    assert (answer.json()["grid"], "no_grid" in answer.json()["marks"]) == (grid, marked)


async def test_the_grid_and_the_units_own_crew_are_told_at_once_whom_to_send(each_site: Site) -> None:
    site = each_site
    number = await site.dispatched("zz-heat", **BADONGLOU, vulnerable=["elderly", "alone", "alone"])
    (notice,), (order,) = await received(site, "grid", number), await received(site, "heat", number)
    assert (notice["grid"], notice["member"]["name"]) == (COMMUNITY, "八栋楼社区网格员")
    assert [crew["name"] for crew in order["crews"]] == ["东区供热分公司一工段三班"]
    assert order["grid"] == COMMUNITY
    for told in (notice, order):
        assert (told["home_visit"], told["vulnerable"]) == (True, ["alone", "elderly"])


async def test_without_anybody_vulnerable_no_home_visit_is_asked_for(site: Site) -> None:
    number = await site.dispatched("zz-water", address="丰庆佳苑3号楼")
    (notice,), (order,) = await received(site, "grid", number), await received(site, "water", number)
    assert notice["home_visit"] is order["home_visit"] is False
    assert [crew["kind"] for crew in order["crews"]] == ["steward"]


async def test_a_member_signs_in_reports_with_photographs_and_resolves(each_site: Site, member: str) -> None:
    site = each_site
    number = await site.dispatched(**BADONGLOU)
    assert (await attach(site, number, JPEG, by=member)).status_code == 201
    (photo,) = [file["sha256"] for file in await site.get(f"/cases/{number}/attachments", member)]
    due = (await site.get(f"/cases/{number}"))["due"]
    await site.take(number, "grid-sign-in", member)
    taken = await site.take(number, "grid-report", member, text="阀门未开", photos=[photo])
    assert (taken["status"], (await site.get(f"/cases/{number}"))["due"]) == ("dispatched", due)
    taken = await site.take(number, "grid-resolve", member, text="已打开阀门", photos=[photo])
    assert (taken["status"], taken["due_clock"]) == ("callback", "callback")
    kinds = [(event["kind"], event["text"]) for event in (await site.get(f"/cases/{number}/timeline"))["events"]]
    resolved = [("grid_signed_in", None), ("grid_reported", "阀门未开"), ("grid_resolved", "已打开阀门")]
    assert kinds[2:] == resolved
    headers = {"Case-Code": await site.code(number)}
    tracked = (await site.call("GET", f"/cases/{number}/track", headers=headers)).json()
    assert tracked["steps"][-1]["text"] == "八栋楼社区网格已现场办理。"
    await site.take(number, "call-back", "callback", reached=True, rating=5, solved=True, contacted=True)


async def test_a_photograph_must_be_the_cases_own(each_site: Site, member: str) -> None:
    site = each_site
    other = await site.dispatched(**BADONGLOU)
    photo = (await attach(site, other, JPEG, by=member)).json()["sha256"]
    number = await site.dispatched(**BADONGLOU)
    await site.take(number, "grid-sign-in", member)
    for photos, code in (([photo], "unknown_attachment"), (["no-hash"], "malformed")):
        answer = await site.step(number, "grid-report", member, text="阀门未开", photos=photos)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert photos[0] not in answer.text


async def test_passed_up_the_case_is_the_streets_and_the_community_still_sees_it(each_site: Site, member: str) -> None:
    site = each_site
    number = await site.dispatched(**BADONGLOU)
    await site.take(number, "grid-escalate", member, text="涉及多个楼院")
    answer = await site.step(number, "grid-sign-in", member)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_your_grid")
    await site.take(number, "grid-sign-in", await key_for(site, Role.GRID, STREET))
    assert (await site.get(f"/cases/{number}", member))["grid"] == COMMUNITY

    async def passed() -> bool:
        return [notice["grid"] for notice in await received(site, "grid", number)] == [COMMUNITY, STREET]

    assert await eventually(passed)
    assert "涉及多个楼院" in (await received(site, "grid", number))[1]["text"]


async def test_a_person_gives_a_case_without_a_grid_its_grid(each_site: Site, member: str) -> None:
    site = each_site
    number = await site.receive(address="某处")
    assert (await site.get(f"/cases/{number}"))["marks"] == ["no_grid"]
    assert (await site.call("GET", f"/cases/{number}", member)).status_code == 404
    answer = await site.step(number, "assign-grid", "dispatcher", grid="zz-g-nowhere")
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_grid")
    await site.take(number, "assign-grid", "agent", grid=COMMUNITY, text="经电话核实")
    shown = await site.get(f"/cases/{number}", member)
    assert (shown["grid"], shown["marks"]) == (COMMUNITY, [])
    await site.take(number, "dispatch", "dispatcher", lead="zz-water")
    await site.take(number, "grid-escalate", member, text="请街道协调")


async def test_the_grid_platform_as_a_whole_takes_no_step_of_a_grid(site: Site) -> None:
    number = await site.dispatched(**BADONGLOU)
    answer = await site.step(number, "grid-sign-in", "grid")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_your_grid")


async def test_open_cases_of_vulnerable_residents_come_first_until_they_are_closed(each_site: Site) -> None:
    site = each_site
    phone = f"139{os.urandom(4).hex()}"
    first, second = await site.receive(phone=phone, vulnerable=["alone"]), await site.receive(phone=phone)
    listed = (await site.get("/cases", phone=phone))["items"]
    assert [(line["number"], line["priority"]) for line in listed] == [(first, 1), (second, 0)]
    assert "vulnerable" not in listed[0]
    await site.take(first, "withdraw", "agent")
    listed = (await site.get("/cases", phone=phone))["items"]
    assert [(line["number"], line["priority"]) for line in listed] == [(second, 0), (first, 0)]


async def test_who_is_vulnerable_is_for_those_who_need_to_know(each_site: Site, member: str) -> None:
    site = each_site
    number = await site.dispatched(**BADONGLOU, vulnerable=["disabled"], withhold_identity=True)
    for by, shown in (("dispatcher", ["disabled"]), ("zz-water", ["disabled"]), (member, ["disabled"])):
        assert (await site.get(f"/cases/{number}", by))["vulnerable"] == shown
    for by in ("admin", "integration", "grid"):
        view = await site.get(f"/cases/{number}", by)
        assert (view["vulnerable"], view["priority"]) == (None, 1)
    assert (await site.get(f"/cases/{number}/record", "supervisor"))["request"]["vulnerable"] == ["disabled"]
    page = await site.call("GET", f"/cases/{number}/record", "supervisor", params={"format": "html"})
    assert "残疾人" in page.text


@pytest.mark.parametrize("vulnerable", ["alone", ["rich"], ["alone"] * 4, [None], {"alone": True}])
async def test_other_kinds_of_vulnerability_are_malformed(site: Site, vulnerable: Any) -> None:
    answer = await site.call("POST", "/cases", "agent", json={"text": "停水", "vulnerable": vulnerable})
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
    assert "rich" not in answer.text


async def test_the_same_request_repeated_is_one_case_and_with_a_flag_more_another_body(site: Site) -> None:
    body = {"text": "停水", "vulnerable": ["alone", "elderly"]}
    first = await site.call("POST", "/cases", "agent", key="flagged", json=body)
    again = await site.call("POST", "/cases", "agent", key="flagged", json=body | {"vulnerable": ["elderly", "alone"]})
    assert (again.status_code, again.json()["number"]) == (200, first.json()["number"])
    other = await site.call("POST", "/cases", "agent", key="flagged", json={"text": "停水"})
    assert other.json()["code"] == "idempotency_key_reused"


async def test_the_grids_are_shown_with_members_and_areas(site: Site) -> None:
    grids = {grid["code"]: grid for grid in await site.get("/grids", "agent")}
    assert len(grids) == 16
    community = grids[COMMUNITY]
    assert [member["role"] for member in community["members"]] == ["worker", "assistant"]
    assert community["area"]["type"] == "Polygon"
    assert {grid["level"] for grid in grids.values()} == {"street", "community", "micro", "exclusive"}
    crews = await site.get("/crews", "agent")
    assert {code for crew in crews for code in crew["grids"]} <= grids.keys()


@pytest.mark.parametrize(
    ("query", "grid", "member", "crews"),
    [
        (BADONGLOU, COMMUNITY, "八栋楼社区网格员", ["crew"]),
        ({"address": "未来路燕乐里"}, "zz-g-yanlelixintian", "燕乐里新田网格员", ["keeper", "crew", "steward"]),
        ({"longitude": 120.0, "latitude": 30.0}, None, None, []),
        ({"longitude": 113.661}, None, None, []),
        ({}, None, None, []),
    ],
)
async def test_a_place_can_be_asked_for_its_grid(
    site: Site, query: dict[str, Any], grid: str | None, member: str | None, crews: list[str]
) -> None:
    found = await site.get("/grids/at", "agent", **query)
    assert (found["grid"] and found["grid"]["code"]) == grid
    assert (found["member"] and found["member"]["name"]) == member
    assert [crew["kind"] for crew in found["crews"]] == crews


@pytest.mark.parametrize("query", [{"longitude": 181}, {"latitude": -91}, {"longitude": "nan"}, {"latitude": "north"}])
async def test_what_is_no_position_is_malformed(site: Site, query: dict[str, Any]) -> None:
    answer = await site.call("GET", "/grids/at", "agent", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
