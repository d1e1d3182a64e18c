"""What the tests of workflows say in one line: open a case, take a step, wind a clock, read what came of it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Self
from uuid import uuid4

import httpx2
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import WorkflowRunner

from domain.city import City
from domain.command import Command
from domain.roles import ENGINE, MAY, Actor, Role
from domain.steps import ENGINE_STEPS, PEOPLE_STEPS
from ledger.cases import events_of, get_case, measures_of, messages_of, opening
from ledger.database import Ledger
from ledger.intake import Intake, open_case
from ledger.models import CaseRow, EventRow, MeasureRow, MessageRow
from ledger.notes import put_note
from sandbox.faults import Fault
from settings import SmsSettings
from temporal.start import start_case
from tests.keys import opened
from worker import create_worker
from workflows.names import Taken

PERSONAL = {
    "name": "海明威",
    "phone": "13812345678",
    "address": "玫瑰园九号楼",
    "title": "停水标题",
    "text": "停水正文",
}
NOTE = "办理说明正文"

PUNCTUAL = timedelta(seconds=2)
"""The server's timers fire up to a second and some after the instant they are set to."""

_days = count()


class Street:
    """The sandbox city as tests see it."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self.addresses = addresses
        self._http = httpx2.AsyncClient(trust_env=False, timeout=5)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def fault(self, party: str, fault: Fault) -> None:
        answer = await self._http.put(
            f"{self.addresses['control']}/faults/{party}", json=fault.model_dump(exclude_none=True)
        )
        answer.raise_for_status()

    async def received(self, party: str, number: str) -> list[dict[str, Any]]:
        """What a party has received about a case: texts, notices or orders."""
        path = {"sms": "messages", "grid": "notices"}.get(party, "orders")
        entries = (await self._http.get(f"{self.addresses[party]}/{path}")).json()
        return [entry for entry in entries if entry["key"].startswith(f"{number}:")]


@dataclass
class Hotline:
    """An engine to test: what a caller of the API and a reader of the ledger can do."""

    server: WorkflowEnvironment
    city: City
    ledger: Ledger
    task_queue: str

    @classmethod
    async def open(
        cls,
        stack: AsyncExitStack,
        server: WorkflowEnvironment,
        city: City,
        ledger: Ledger,
        runner: WorkflowRunner | None = None,
        task_queue: str | None = None,
    ) -> Self:
        """With a worker of its own, until `stack` closes."""
        hotline = cls(server, city, ledger, task_queue or f"jiesu-{uuid4().hex}")
        worker = await create_worker(server.client, city, ledger, hotline.task_queue, stack, SmsSettings(), runner)
        await stack.enter_async_context(worker)
        return hotline

    # --- taking steps -------------------------------------------------------------------------------------------------

    async def receive(self, category: str = "help", *, ago: timedelta = timedelta(), **more: Any) -> str:
        """Take a request in, received so long ago, and return its number."""
        received = datetime.now(UTC) - ago
        intake = Intake(
            received_at=received, channel="phone", category=category, opened_role=Role.AGENT, opened_id="agent-1",
            rulebook_version=self.city.rulebook.version, **{**PERSONAL, "grid": "zz-g-dulingjie", **more},
        )  # fmt: skip
        # Tests share a server: a day of its own keeps the numbers of one test from those of another.
        day = datetime(2000, 1, 1, tzinfo=UTC).date() + timedelta(days=next(_days))
        row, _ = await self.ledger.run(open_case, "ZZ", intake, day)
        await start_case(self.server.client, self.task_queue, self.city, opening(row))
        return row.number

    async def take(self, number: str, step: str, unit: str = "zz-water", key: str | None = None, **given: Any) -> Taken:
        """Take a step as somebody who may, a unit's or a grid's step as `unit`."""
        command = await self.command(number, step, unit, **given)
        taken: Taken = await self.case(number).execute_update(step, command, id=key, result_type=Taken)
        return taken

    async def command(self, number: str, step: str, unit: str, **given: Any) -> Command:
        if step in ENGINE_STEPS:
            return ENGINE_STEPS[step](by=ENGINE, **given)
        role = sorted(MAY[step])[0]
        by = Actor(role=role, id=f"{role}-1", unit=unit if role in (Role.UNIT, Role.GRID) else None)
        if PEOPLE_STEPS[step].model_fields["note"].is_required():
            given.setdefault("note", f"n-{uuid4().hex}")
            async with self.ledger.session() as session:
                await put_note(session, given["note"], number, by, NOTE, datetime.now(UTC))
        return PEOPLE_STEPS[step](by=by, **given)

    def case(self, number: str) -> WorkflowHandle[Any, Any]:
        return self.server.client.get_workflow_handle(number)

    # --- time ---------------------------------------------------------------------------------------------------------

    async def forward(self, number: str, duration: timedelta) -> None:
        """Wind a case's clock forward."""
        await self.server.fast_forward(self.case(number), duration)

    async def until(self, number: str, instant: datetime) -> None:
        """Wind a case's clock to just after an instant, when a timer set to it has fired."""
        # Winding stops early when the case goes over into a new run just then.
        while (left := instant + PUNCTUAL - await self.now(number)) > timedelta():
            await self.forward(number, left)

    async def now(self, number: str) -> datetime:
        """The present by a case's clock, UTC."""
        return await self.server.get_current_time(self.case(number))

    # --- what came of it ----------------------------------------------------------------------------------------------

    async def row(self, number: str) -> CaseRow:
        async with self.ledger.session() as session:
            row = await get_case(session, number)
        assert row is not None
        return row

    async def events(self, number: str) -> list[EventRow]:
        async with self.ledger.session() as session:
            return await events_of(session, number)

    async def messages(self, number: str) -> list[MessageRow]:
        async with self.ledger.session() as session:
            return await messages_of(session, number)

    async def measures(self, number: str) -> list[MeasureRow]:
        async with self.ledger.session() as session:
            return await measures_of(session, number)

    async def history(self, number: str) -> WorkflowHistory:
        return await opened(await self.case(number).fetch_history())

    async def closed(self, number: str) -> Taken:
        """Wait until the case's workflow is over; what it returned."""
        result: Any = await asyncio.wait_for(self.case(number).result(), 30)
        return Taken.model_validate(result)


def kinds(events: Iterable[EventRow]) -> list[str]:
    return [event.kind for event in events]


def rungs(events: Iterable[EventRow], clock: str | None = None) -> list[str]:
    """Actions of a clock's ladder in the order in which they fired; referrals by their situation."""
    return [
        event.facts.get("situation") or str(event.action)
        for event in events
        if event.kind == "escalated" and clock in (None, event.clock)
    ]


def of_type(history: WorkflowHistory, name: str) -> list[HistoryEvent]:
    """Events of one type, such as TIMER_STARTED."""
    return [event for event in history.events if EventType.Name(event.event_type) == f"EVENT_TYPE_{name}"]


async def eventually(found: Callable[[], Coroutine[Any, Any, Any]], patience: float = 60, pause: float = 0.05) -> Any:
    """Ask until the answer is true, and return it."""
    async with asyncio.timeout(patience):
        while not (answer := await found()):  # noqa: ASYNC110 (what is asked lies in another process)
            await asyncio.sleep(pause)
    return answer
