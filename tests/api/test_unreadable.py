"""What somebody put into the database that is no value of ours is named in a refusal, and never an error of ours."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from sqlalchemy import Connection

from tests.api.conftest import OpenSite, Site


@pytest.fixture(scope="module")
async def changed(new_sqlite: Callable[[], str], open_site: OpenSite) -> AsyncIterator[Site]:
    """A site of its own, without an engine, whose database nothing guards."""
    async with open_site(new_sqlite(), {"TEMPORAL_ADDRESS": "127.0.0.1:1"}) as site:
        yield site


def change(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql("DROP TRIGGER IF EXISTS events_no_update")
    connection.exec_driver_sql(statement)


EVENT = """INSERT INTO events (case_number, n, at, kind, role, actor_id, provisional, facts) VALUES
    ('{number}', 1, '2026-11-21 04:00:00.000000+00:00', 'received', 'agent', 'key-1', '0', '{{}}')"""

ALERT = """INSERT INTO alerts (asset, kind, unit, first_at, last_at, recent, readings, expires_at, case_number, opened,
    collective) VALUES ('{number}', 'leak-noise', 'zz-water', 'noon', 'noon', '[]', 1, 'noon', '{number}', 1, 0)"""

CASE = {
    "garbage in a JSON column": "marks = 'none'",
    "another JSON value": "assisting = '5'",
    "an unknown status": "status = 'bribed'",
    "an unknown outcome": "outcome = 'bribed'",
    "an unknown clock": "due_clock = 'bribed'",
    "an unknown breach": """breaches = '["bribed"]'""",
    "a day that does not exist": "received_at = 'noon'",
    "a number that is none": "hurries = 'many'",
}
EVENTS = {
    "garbage in a JSON column": "facts = 'none'",
    "another JSON value": "facts = '[]'",
    "a fact that is none": """facts = '{"now": "noon"}'""",
    "an unknown kind": "kind = 'bribed'",
    "an unknown role": "role = 'king'",
    "an unknown measure": "action = 'bribed'",
    "a day that does not exist": "at = 'noon'",
}


async def refused(site: Site, path: str, number: str) -> None:
    by = {"headers": {"Case-Code": await site.ledger.run(code_of, number)}} if "/track" in path else {"by": "inspector"}
    names_it(await site.call("GET", path, **by), number)


def names_it(answer: httpx2.Response, number: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (409, "unreadable_record"), answer.request.url
    assert f"jiesu audit verify {number}" in answer.json()["detail"]
    assert number in answer.json()["detail_zh"]


def code_of(connection: Connection, number: str) -> str:
    found = connection.exec_driver_sql("SELECT code FROM cases WHERE number = ?", (number,))
    return str(found.scalar_one())


@pytest.mark.parametrize("what", CASE)
async def test_a_case_that_cannot_be_read_is_named(changed: Site, what: str) -> None:
    number = await changed.receive()
    other = await changed.receive()
    await changed.ledger.run(change, f"UPDATE cases SET {CASE[what]} WHERE number = '{number}'")
    for path in ("", "/timeline", "/track", "/record", "/findings", "/attachments", "/readers"):
        await refused(changed, f"/cases/{number}{path}", number)
    await refused(changed, f"/cases?q={number}", number)
    found = await changed.get("/cases", q=other)
    assert [line["number"] for line in found["items"]] == [other]


@pytest.mark.parametrize("what", CASE)
async def test_a_request_repeated_to_a_case_that_cannot_be_read_is_refused(changed: Site, what: str) -> None:
    repeated: Any = {"by": "agent", "key": what.replace(" ", "-"), "json": {"text": "停水"}}
    number = (await changed.call("POST", "/cases", **repeated)).json()["number"]
    first = await changed.step(number, "dispatch", "dispatcher", "d-1", lead="zz-water")
    assert first.status_code == 503, "there is no engine, but the key is taken"
    await changed.ledger.run(change, f"UPDATE cases SET {CASE[what]} WHERE number = '{number}'")
    names_it(await changed.call("POST", "/cases", **repeated), number)
    for key in ("d-1", "d-2"):
        names_it(await changed.step(number, "dispatch", "dispatcher", key, lead="zz-water"), number)


@pytest.mark.parametrize("what", EVENTS)
async def test_an_event_that_cannot_be_read_is_named(changed: Site, what: str) -> None:
    number = await changed.receive()
    await changed.ledger.run(change, EVENT.format(number=number))
    assert (await changed.get(f"/cases/{number}/timeline"))["events"]
    await changed.ledger.run(change, f"UPDATE events SET {EVENTS[what]} WHERE case_number = '{number}'")
    for path in ("/timeline", "/track"):
        await refused(changed, f"/cases/{number}{path}", number)
    assert (await changed.get(f"/cases/{number}"))["number"] == number


async def test_a_case_whose_alerts_cannot_be_read_is_named(changed: Site) -> None:
    number = await changed.receive()
    await changed.ledger.run(change, ALERT.format(number=number))
    for path in ("", "/timeline", "/record"):
        await refused(changed, f"/cases/{number}{path}", number)
