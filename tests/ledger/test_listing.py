from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.events import EventKind, Status
from domain.rulebook import ClockName
from ledger.database import Ledger
from ledger.errors import BadCursor
from ledger.listing import CaseFilter, list_cases
from ledger.recording import record

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)

Make = Callable[..., Any]
Show = Callable[..., Awaitable[str]]


async def _found(ledger: Ledger, **filters: Any) -> list[str]:
    async with ledger.session() as session:
        page = await list_cases(session, CaseFilter(**filters), now=NOON)
    return [row.number for row in page.items]


@pytest.mark.parametrize(
    ("filters", "came_in", "changes"),
    [
        ({"status": ["handling", "closed"]}, {}, {"status": Status.HANDLING}),
        ({"category": "help"}, {}, {"category": "help"}),
        ({"unit": "water"}, {}, {"lead": "water"}),
        ({"unit": "water"}, {}, {"lead": "gas", "assisting": ["heat", "water"]}),
        ({"grid": "G1"}, {}, {"grid": "G1"}),
        ({"overdue": True}, {}, {"breaches": [ClockName.SIGN_IN]}),
        ({"overdue": True}, {}, {"due": NOON - HOUR}),
        ({"due_before": NOON}, {}, {"due": NOON - HOUR}),
        ({"received_from": NOON + HOUR}, {"received_at": NOON + HOUR}, {}),
        ({"received_to": NOON}, {"received_at": NOON - HOUR}, {}),
        ({"channel": "app"}, {"channel": "app"}, {}),
        ({"province": True}, {}, {"province": True}),
        ({"outage": True}, {}, {"outage": True}),
        ({"phone": "13800000000"}, {"phone": "13800000000"}, {}),
        ({"q": "井盖"}, {"title": "路上井盖丢失"}, {}),
        ({"q": "井盖"}, {"text": "路上井盖丢失"}, {}),
        ({"q": "金水路"}, {"address": "金水路1号"}, {}),
        ({"q": "1121-00002"}, {}, {}),
        ({"q": "tower b"}, {"address": "Tower B"}, {}),
        ({"q": "100%"}, {"text": "100% 漏水"}, {}),
        ({"q": "a_b"}, {"text": "a_b"}, {}),
        ({"q": "a/b"}, {"text": "a/b"}, {}),
        ({"q": "郑公(2026)117"}, {"text": "见郑公（2026）117号"}, {}),
        ({"q": "郑公（２０２６）"}, {"text": "见郑公(2026)117号"}, {}),
        ({"q": "Tower B 3"}, {"address": "Ｔｏｗｅｒ　Ｂ　３"}, {}),
        ({"q": "郑公(2026)117号"}, {"original_number": "郑公（2026）117号"}, {}),
        ({"unit": "water", "status": ["handling"]}, {}, {"lead": "water", "status": Status.HANDLING}),
    ],
)
async def test_each_filter_finds_its_case_only(
    ledger: Ledger, shown: Show, filters: dict[str, Any], came_in: dict[str, Any], changes: dict[str, Any]
) -> None:
    await shown({"text": "axb 1000 号", "address": "G1"}, lead="gas", due=NOON + HOUR)
    wanted = await shown(came_in, **changes)
    assert await _found(ledger, **filters) == [wanted]
    assert len(await _found(ledger)) == 2


async def test_what_is_not_overdue_is_everything_else(ledger: Ledger, shown: Show) -> None:
    await shown(due=NOON - HOUR)
    await shown(breaches=[ClockName.SIGN_IN])
    in_time = [await shown(due=NOON), await shown()]
    assert await _found(ledger, overdue=False) == in_time[::-1]


async def test_a_unit_that_lost_the_case_no_longer_matches(
    ledger: Ledger, shown: Show, summary: Make, event: Make
) -> None:
    number = await shown(lead="water", assisting=["gas"])
    await ledger.run(record, summary(number, lead="gas", assisting=["heat"], last_event=2), [event(2)])
    assert await _found(ledger, unit="water") == []
    assert await _found(ledger, unit="gas") == await _found(ledger, unit="heat") == [number]
    await ledger.run(record, summary(number, last_event=3), [event(3, kind=EventKind.RETURN_ACCEPTED)])
    assert await _found(ledger, unit="gas") == []


async def test_pages_are_stable_while_cases_come_in(ledger: Ledger, shown: Show) -> None:
    # Two receipts at each instant: the number decides between them.
    numbers = [await shown({"received_at": NOON + HOUR * (i // 2)}) for i in range(7)]
    read: list[str] = []
    cursor = None
    while True:
        async with ledger.session() as session:
            page = await list_cases(session, CaseFilter(), cursor, limit=3)
        read += [row.number for row in page.items]
        await shown({"received_at": NOON + HOUR * 9})
        cursor = page.next
        if cursor is None:
            break
    assert read == numbers[::-1]


async def test_open_cases_of_vulnerable_residents_come_first_page_by_page(ledger: Ledger, shown: Show) -> None:
    usual = [await shown({"received_at": NOON + HOUR * i}) for i in range(2)]
    first = [await shown({"received_at": NOON - HOUR * i, "vulnerable": ["alone"]}) for i in range(2)]
    done = await shown({"received_at": NOON - HOUR, "vulnerable": ["elderly"]}, closed_at=NOON)
    read: list[str] = []
    cursor = None
    for _ in range(5):
        async with ledger.session() as session:
            page = await list_cases(session, CaseFilter(), cursor, limit=1)
        read += [row.number for row in page.items]
        cursor = page.next
    assert cursor is None
    assert read == [*first, *usual[::-1], done]


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "号",
        urlsafe_b64encode(b"now|1").decode(),
        urlsafe_b64encode(b"\xff").decode(),
        "bm93",
        "====",
        urlsafe_b64encode(b"2|2026-11-21T04:00:00.000000|Z").decode(),
    ],
)
async def test_a_malformed_cursor_is_refused(ledger: Ledger, cursor: str) -> None:
    async with ledger.session() as session:
        with pytest.raises(BadCursor):
            await list_cases(session, CaseFilter(), cursor)
