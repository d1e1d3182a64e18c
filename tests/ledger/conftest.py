"""An open ledger, and cases to put into it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from domain.events import Event, EventKind, Status, Summary
from domain.roles import Actor, Role
from ledger.database import Ledger
from ledger.intake import Intake, open_case
from ledger.recording import record
from ledger.tables import ASSETS
from tests.ledger.alerting import ASSETS_HERE

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)


@pytest.fixture
async def alerts(ledger: Ledger) -> Ledger:
    """A ledger that knows the assets which tests of alerts speak of."""
    await ledger.run(lambda connection: connection.execute(insert(ASSETS), ASSETS_HERE))
    return ledger


@pytest.fixture
def intake() -> Callable[..., Intake]:
    def make(**changes: Any) -> Intake:
        usual: dict[str, Any] = {
            "received_at": NOON,
            "channel": "phone",
            "title": "停水",
            "text": "家里停水了",
            "category": "complaint",
            "opened_role": Role.AGENT,
            "opened_id": "agent-1",
            "rulebook_version": "1",
        }
        return Intake(**usual | changes)

    return make


@pytest.fixture
def summary() -> Callable[..., Summary]:
    def make(number: str, **changes: Any) -> Summary:
        usual: dict[str, Any] = {"status": Status.DISPATCHED, "category": "complaint", "last_event": 1}
        return Summary(number=number, **usual | changes)

    return make


@pytest.fixture
def event() -> Callable[..., Event]:
    def make(n: int = 1, **changes: Any) -> Event:
        usual: dict[str, Any] = {
            "at": NOON,
            "kind": EventKind.DISPATCHED,
            "by": Actor(role=Role.DISPATCHER, id="desk-1"),
        }
        return Event(n=n, **usual | changes)

    return make


@pytest.fixture
def opened(ledger: Ledger, intake: Callable[..., Intake]) -> Callable[..., Awaitable[str]]:
    async def make(**changes: Any) -> str:
        row, _ = await ledger.run(open_case, "ZZ", intake(**changes), date(2026, 11, 21))
        return row.number

    return make


@pytest.fixture
def shown(
    ledger: Ledger,
    opened: Callable[..., Awaitable[str]],
    summary: Callable[..., Summary],
    event: Callable[..., Event],
) -> Callable[..., Awaitable[str]]:
    """Call it to open a case that came in so, and show it with those changes."""

    async def make(came_in: dict[str, Any] | None = None, **changes: Any) -> str:
        number = await opened(**came_in or {})
        await ledger.run(record, summary(number, **changes), [event()])
        return number

    return make
