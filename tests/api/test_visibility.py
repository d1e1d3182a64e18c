"""What a unit and a grid see, and what only inspectors and supervisors do."""

import asyncio
from datetime import UTC, datetime

from domain.roles import Role
from ledger.keys import create_key
from ledger.models import EventRow
from tests.api.conftest import Site


async def key_for(site: Site, role: Role, unit: str | None) -> str:
    async with site.ledger.session() as session:
        return await create_key(session, role, unit, "test")


async def seen_by(site: Site, number: str, unit: str) -> set[bool]:
    """Whether the unit sees the case, asked in every way there is: more than one answer would be a leak."""
    listed = await site.get("/cases", unit, q=number)
    codes = [
        (await site.call("GET", f"/cases/{number}", unit)),
        (await site.call("GET", f"/cases/{number}/timeline", unit)),
        (await site.step(number, "submit-result", unit, text="已处理")),
    ]
    hidden = {answer.status_code == 404 and answer.json()["code"] == "no_such_case" for answer in codes}
    return {not answer for answer in hidden} | {bool(listed["items"])}


async def test_a_unit_sees_its_own_cases_only(each_site: Site) -> None:
    number = await each_site.dispatched("zz-water")
    assert await seen_by(each_site, number, "zz-water") == {True}
    assert await seen_by(each_site, number, "zz-heat") == {False}


async def test_an_assisting_unit_sees_the_case(site: Site) -> None:
    number = await site.receive()
    await site.take(number, "dispatch", "dispatcher", lead="zz-water", assisting=["zz-heat"])
    assert await seen_by(site, number, "zz-heat") == {True}


async def test_a_unit_cannot_ask_for_the_list_of_another(site: Site) -> None:
    number = await site.dispatched("zz-water")
    items = (await site.get("/cases", "zz-heat", unit="zz-water", q=number))["items"]
    assert items == []


async def test_a_unit_no_longer_sees_a_case_that_was_recalled(each_site: Site) -> None:
    number = await each_site.dispatched("zz-water")
    await each_site.take(number, "redispatch", "dispatcher", lead="zz-heat", text="属供热管网")
    assert await seen_by(each_site, number, "zz-water") == {False}
    assert await seen_by(each_site, number, "zz-heat") == {True}


async def test_a_unit_that_lost_a_case_still_gets_the_answer_to_what_it_asked_when_it_had_it(each_site: Site) -> None:
    number = await each_site.dispatched("zz-water")
    first = await each_site.take(number, "sign-in", "zz-water", "once")
    await each_site.take(number, "redispatch", "dispatcher", lead="zz-heat", text="属供热管网")
    assert await each_site.take(number, "sign-in", "zz-water", "once") == first
    assert (await each_site.step(number, "sign-in", "zz-water", "twice")).status_code == 404
    assert (await each_site.step(number, "sign-in", "zz-heat", "once")).status_code == 200


async def test_a_unit_sees_nothing_of_a_case_that_does_not_exist_or_is_not_dispatched(site: Site) -> None:
    number = await site.receive()
    assert await seen_by(site, number, "zz-water") == {False}
    missing = await site.call("GET", "/cases/ZZ-20000101-00001", "zz-water")
    foreign = await site.call("GET", f"/cases/{number}", "zz-water")
    assert missing.text.replace("ZZ-20000101-00001", "") == foreign.text.replace(number, "")


async def test_a_unit_sees_the_cases_of_its_sub_units_and_acts_on_none_of_them(each_site: Site) -> None:
    site = each_site
    district, street, neighbour = [
        await key_for(site, Role.UNIT, unit) for unit in ("zz-jinshui", "zz-dulingjie", "zz-weilailu")
    ]
    number = await site.dispatched("zz-dulingjie")
    assert [await seen_by(site, number, unit) for unit in (district, street, neighbour)] == [{True}, {True}, {False}]
    assert (await site.get("/cases", district, q=number, unit="zz-dulingjie"))["items"]
    refused = await site.step(number, "sign-in", district)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_your_case")
    above = await site.dispatched("zz-jinshui")
    assert await seen_by(site, above, street) == {False}


async def seen_by_grid(site: Site, number: str, key: str) -> set[bool]:
    listed = [line["number"] for line in (await site.get("/cases", key, limit=200))["items"]]
    answers = [await site.call("GET", f"/cases/{number}{part}", key) for part in ("", "/timeline")]
    return {number in listed, *(answer.status_code == 200 for answer in answers)}


async def test_a_grid_sees_the_cases_in_it_and_in_those_below_and_no_others(each_site: Site) -> None:
    site = each_site
    street, community, elsewhere = [
        await key_for(site, Role.GRID, grid) for grid in ("zz-g-dulingjie", "zz-g-badonglou", "zz-g-weilailu")
    ]
    number = await site.receive(address="杜岭街八栋楼社区2号")
    grids = (street, community, elsewhere)
    assert [await seen_by_grid(site, number, key) for key in grids] == [{True}, {True}, {False}]
    above = await site.receive(address="杜岭街5号")
    assert [await seen_by_grid(site, above, key) for key in grids] == [{True}, {False}, {False}]
    nowhere = await site.receive(address="某处")
    assert [await seen_by_grid(site, nowhere, key) for key in grids] == [{False}] * 3
    assert await seen_by_grid(site, nowhere, "grid") == {True}


async def test_units_and_grids_see_the_messages_that_went_to_them(each_site: Site) -> None:
    site = each_site
    number = await site.dispatched("zz-dulingjie", address="杜岭街八栋楼社区2号")
    for _ in range(200):
        if len((await site.get(f"/cases/{number}/timeline"))["messages"]) == 3:
            break
        await asyncio.sleep(0.05)
    asked = {
        "dispatcher": "dispatcher",
        "unit": await key_for(site, Role.UNIT, "zz-dulingjie"),
        "district": await key_for(site, Role.UNIT, "zz-jinshui"),
        "grid": await key_for(site, Role.GRID, "zz-g-badonglou"),
    }
    parties = {
        name: sorted(message["party"] for message in (await site.get(f"/cases/{number}/timeline", key))["messages"])
        for name, key in asked.items()
    }
    all_of_them = ["citizen", "grid", "unit"]
    assert parties == {"dispatcher": all_of_them, "unit": ["unit"], "district": ["unit"], "grid": ["grid"]}


async def measured(site: Site, number: str) -> None:
    """Wait until a measure has been raised, which is done beside the step that leads to it."""
    for _ in range(200):
        if (await site.get(f"/cases/{number}/timeline", "inspector"))["measures"]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("no measure was raised")


async def test_only_inspectors_supervisors_and_admins_see_a_discipline_referral(each_site: Site) -> None:
    site = each_site
    number = await site.in_callback()
    await site.take(number, "call-back", "callback", reached=True, rating=1, solved=False, contacted=False)
    await measured(site, number)
    for role in ("inspector", "supervisor", "admin"):
        timeline = await site.get(f"/cases/{number}/timeline", role)
        assert any(event["action"] == "discipline_referral" for event in timeline["events"])
        assert [measure["situation"] for measure in timeline["measures"]] == ["formal_closing"]
    for role in ("zz-water", "agent", "dispatcher", "callback", "grid", "integration"):
        answer = await site.call("GET", f"/cases/{number}/timeline", role)
        assert answer.status_code == 200
        assert "discipline" not in answer.text
        assert "formal_closing" not in answer.text
        assert answer.json()["measures"] == []
        assert "discipline" not in (await site.call("GET", f"/cases/{number}", role)).text


async def test_a_referral_that_could_not_be_delivered_is_hidden_like_the_referral(site: Site) -> None:
    number = await site.dispatched()
    facts = {"party": "discipline", "effect": f"{number}:2:discipline::formal_closing"}
    failed = EventRow(
        case_number=number,
        n=3,
        at=datetime.now(UTC),
        kind="effect_failed",
        role="system",
        actor_id="jiesu",
        facts=facts,
    )
    async with site.ledger.session() as session:
        session.add(failed)
    kinds = {
        by: [event["kind"] for event in (await site.get(f"/cases/{number}/timeline", by))["events"]]
        for by in ("inspector", "zz-water")
    }
    assert kinds == {"inspector": ["received", "dispatched", "effect_failed"], "zz-water": ["received", "dispatched"]}
