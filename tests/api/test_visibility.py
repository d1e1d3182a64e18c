"""What a unit sees, and what only inspectors and supervisors do."""

import asyncio
from datetime import UTC, datetime

from ledger.models import EventRow
from tests.api.conftest import Site


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


async def test_a_unit_sees_nothing_of_a_case_that_does_not_exist_or_is_not_dispatched(site: Site) -> None:
    number = await site.receive()
    assert await seen_by(site, number, "zz-water") == {False}
    missing = await site.call("GET", "/cases/ZZ-20000101-00001", "zz-water")
    foreign = await site.call("GET", f"/cases/{number}", "zz-water")
    assert missing.text.replace("ZZ-20000101-00001", "") == foreign.text.replace(number, "")


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
