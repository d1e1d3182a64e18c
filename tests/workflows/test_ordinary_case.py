"""An ordinary case on the real engine: what the ledger, the unit, the citizen and the history get of it."""

from typing import Any

from domain.case import Case
from domain.events import Event
from domain.steps import PEOPLE_STEPS
from ledger.audit import verify
from ledger.cases import opening
from tests.workflows.hotline import PERSONAL, Hotline, Street, eventually, kinds

STEPS: dict[str, dict[str, Any]] = {
    "dispatch": {"lead": "zz-water"},
    "sign-in": {},
    "submit-result": {},
    "call-back": {"reached": True, "rating": 5, "solved": True, "contacted": True},
}


async def told(hotline: Hotline, number: str, count: int) -> None:
    """Wait until so many messages have been sent."""

    async def sent() -> bool:
        return [message.status for message in await hotline.messages(number)] == ["sent"] * count

    await eventually(sent)


async def ordinary(hotline: Hotline) -> str:
    """A case from its receipt to its closing, every message of a step told before the next step, as in real life."""
    number = await hotline.receive()
    for (step, given), count in zip(STEPS.items(), (1, 3, 3, 4), strict=True):
        await told(hotline, number, count)
        await hotline.take(number, step, **given)
    await hotline.closed(number)
    return number


async def test_the_ledger_has_what_the_core_alone_gives_for_the_same_steps(hotline: Hotline) -> None:
    number = await ordinary(hotline)
    written = await hotline.events(number)
    row = await hotline.row(number)
    case, events = Case.open(opening(row), hotline.city.rulebook, hotline.city.calendar)
    for (step, given), taken in zip(STEPS.items(), written[1:], strict=False):
        command = await hotline.command(number, step, "zz-water", **{"note": taken.note} | given)
        assert type(command) is PEOPLE_STEPS[step]
        events += case.handle(command, taken.at)
    unproved = [event.model_dump(exclude={"sealed", "hash"}) for event in written]
    assert unproved == [_written(number, event) for event in events]
    assert (await verify(hotline.ledger, number)).flaws == {}
    assert (row.status, row.outcome, row.last_event) == ("closed", "resolved", len(events))


async def test_the_ledger_has_a_step_when_its_answer_is_there(hotline: Hotline) -> None:
    number = await hotline.receive()
    for step, given in STEPS.items():
        taken = await hotline.take(number, step, **given)
        assert len(await hotline.events(number)) == taken.event
        row = await hotline.row(number)
        assert (row.status, row.due, row.last_event) == (taken.status, taken.due, taken.event)
    assert kinds(await hotline.events(number))[-2:] == ["called_back", "closed"]


async def test_everybody_is_told_once(hotline: Hotline, street: Street) -> None:
    number = await ordinary(hotline)
    texts = await street.received("sms", number)
    assert [(text["phone"], text["attempts"]) for text in texts] == [(PERSONAL["phone"], 1)] * 2
    assert [number in text["text"] for text in texts] == [True, True]
    [notice] = await street.received("grid", number)
    assert (notice["grid"], notice["attempts"]) == ("zz-g-dulingjie", 1)
    assert PERSONAL["phone"] not in str(notice)
    assert PERSONAL["name"] not in str(notice)


async def test_the_unit_gets_the_order_with_whom_to_ring(hotline: Hotline, street: Street) -> None:
    number = await ordinary(hotline)
    [order] = await street.received("water", number)
    assert (order["kind"], order["role"], order["unit"]) == ("dispatch", "lead", "zz-water")
    assert order["contact"] == {"name": PERSONAL["name"], "phone": PERSONAL["phone"], "withheld": False}
    assert (order["title"], order["text"], order["address"]) == tuple(
        PERSONAL[name] for name in ("title", "text", "address")
    )


async def test_an_ordinary_case_stays_within_its_budget(hotline: Hotline) -> None:
    history = await hotline.history(await ordinary(hotline))
    assert len(history.events) <= 60, len(history.events)
    assert sum(event.ByteSize() for event in history.events) <= 40_000


def _written(number: str, event: Event) -> dict[str, Any]:
    """An event as a row of the ledger."""
    values = event.model_dump(exclude={"by"}) | {"facts": event.model_dump(mode="json")["facts"]}
    by = {"role": event.by.role, "actor_id": event.by.id, "actor_unit": event.by.unit}
    return {"case_number": number, **values, **by}
