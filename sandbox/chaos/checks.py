"""What must hold after any kills: nothing accepted is lost, nothing happened or was told twice."""

import asyncio
import time
from datetime import timedelta
from random import Random

import httpx2
from sqlalchemy import func, select
from sqlmodel import col
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper

from domain.city import City
from domain.effects import Effect, Party
from domain.events import Status, Summary
from ledger.audit import verify
from ledger.cases import opening
from ledger.database import Ledger, open_ledger
from ledger.models import CaseRow, VoidedEventRow
from ledger.receipts import ACCEPTED
from sandbox.chaos.evidence import Kept, Outside, kept, receiver
from sandbox.chaos.findings import Findings
from sandbox.chaos.record import Exchange, Record, Step
from sandbox.chaos.replay import Replay, replay
from sandbox.faults import PARTIES
from sandbox.partner import TAKING
from sandbox.system import temporal_address
from settings import Settings
from temporal.connection import connect_patiently
from temporal.keyring import open_keyring

PATIENCE = 120.0
"""Seconds in which everything that is still under way has come to its end."""
PAUSE = 0.5
LATE = timedelta(minutes=2)
"""How late a rung may fire where every process was killed around its instant."""
STEPS_REPEATED = 200
AT_ONCE = 8
TRIES = 20

RAISED = (Party.SUPERVISION, Party.DISCIPLINE)


async def check(settings: Settings, city: City, record: Record, seed: int) -> Findings:
    """Wait until nothing is under way any more, then compare record, ledger, engine and city with what must be."""
    client = await connect_patiently(open_keyring(settings), {"TEMPORAL_ADDRESS": temporal_address(settings)})
    ledger = open_ledger(settings.ledger_url)
    findings = Findings(faults=list(record.faults))
    try:
        checks = Checks(city, record, client, ledger, findings)
        await checks.settled()
        await checks.numbers()
        for number in record.accepted:
            await checks.case(number)
        await checks.outside(await Outside.ask(settings, (*PARTIES, *TAKING)))
        await checks.repeated(Random(seed))  # noqa: S311
        await checks.audit()
    finally:
        await ledger.close()
    return findings


class Checks:
    """The checks of one run; what each finds goes into `findings`."""

    def __init__(self, city: City, record: Record, client: Client, ledger: Ledger, findings: Findings) -> None:
        self._city, self._record, self._ledger, self._findings = city, record, ledger, findings
        self._client, self._skipper = client, TimeSkipper(client)
        self._replays: dict[str, Replay] = {}
        self._wanted: list[tuple[str, str]] = []
        self._phones: dict[str, str] = {}
        self._dropped: set[str] = set()

    async def settled(self) -> None:
        """Wait until the engine has nothing to do for any case; one for which it never ends is a fault."""
        left, end = list(self._record.accepted), time.monotonic() + PATIENCE
        while left and time.monotonic() < end:
            idle = await asyncio.gather(*(self._idle(number) for number in left))
            left = [number for number, done in zip(left, idle, strict=True) if not done]
            await asyncio.sleep(PAUSE)
        self._findings.faults += [f"{number} does not come to rest" for number in left]

    async def _idle(self, number: str) -> bool:
        try:
            raw = (await self._describe(number)).raw_description
        except RPCError:
            return False
        return not raw.pending_activities and not raw.HasField("pending_workflow_task")

    async def _describe(self, number: str) -> WorkflowExecutionDescription:
        return await self._client.get_workflow_handle(number).describe()

    async def numbers(self) -> None:
        """Every number that was answered is in the ledger, and no other."""
        async with self._ledger.session() as session:
            known = list(await session.scalars(select(col(CaseRow.number))))
            voided = await session.scalar(select(func.count()).select_from(VoidedEventRow))
        self._findings.same("ledger", known, self._record.accepted)
        self._findings.counts["cases accepted"] = len(self._record.accepted)
        self._findings.counts["events of steps that were never taken, voided"] = voided or 0

    async def case(self, number: str) -> None:
        """What ledger and engine have of a case is what its recorded steps must have led to."""
        async with self._ledger.session() as session:
            found = await kept(session, number)
        if found is None:
            return
        done = replay(self._city, opening(found.row), self._record.steps[number], found.events)
        self._replays[number] = done
        self._findings.faults += [f"{number}: {fault}" for fault in done.faults]
        self._list(number, found, done)
        self._told(number, found, done)
        self._rungs(number, done)
        await self._engine(number, done)
        texts = [step.body["text"] for step in self._record.steps[number] if step.body.get("text")]
        self._findings.missing(f"{number}: text of a step", found.notes, texts)
        self._findings.counts["steps taken"] += len(self._record.steps[number])
        self._findings.counts["events"] += len(found.events)

    def _list(self, number: str, found: Kept, done: Replay) -> None:
        """The case as the list shows it is what its events lead to."""
        shown = Summary.model_validate(found.row.model_dump(include=set(Summary.model_fields)))
        if shown != done.case.summary() or not found.row.started or found.row.breached != bool(shown.breaches):
            self._findings.faults.append(f"{number}: listed as {shown!r}, not {done.case.summary()!r}")
        parts = {part.unit: part.lead for part in done.case.assignments}
        self._findings.same(f"{number}: units", found.units.items(), parts.items())

    def _told(self, number: str, found: Kept, done: Replay) -> None:
        """Measures and messages are those that its events call for, and every message was sent."""
        raised = [effect.key for effect in done.effects if effect.party in RAISED]
        dropped = {message.key for message in found.messages if message.status == "dropped"}
        told = [effect.key for effect in done.effects if effect.party not in RAISED and effect.key not in dropped]
        self._findings.same(f"{number}: measures", found.measures, raised)
        self._findings.same(f"{number}: messages", (m.key for m in found.messages if m.status in ACCEPTED), told)
        self._findings.counts["measures raised"] += len(raised)
        for effect in done.effects:
            if effect.key not in dropped:
                self._await_receipt(effect, found.row.phone or "")
        self._drop(number, done, dropped)

    def _drop(self, number: str, done: Replay, dropped: set[str]) -> None:
        """Only what there was to do in a case that is over is dropped; it may have arrived before we knew that."""
        orders = {effect.key for effect in done.effects if effect.kind in ("dispatch", "rework")}
        if dropped and not (done.case.status is Status.CLOSED and dropped <= orders):
            self._findings.faults.append(f"{number}: dropped {', '.join(sorted(dropped))}")
        self._dropped |= dropped

    def _await_receipt(self, effect: Effect, phone: str) -> None:
        party = receiver(effect, self._city)
        if party is not None:
            self._wanted.append((party, effect.key))
        if party == "sms":
            self._phones[effect.key] = phone

    def _rungs(self, number: str, done: Replay) -> None:
        """What the engine does by itself came when it was due."""
        self._findings.counts["rungs fired"] += done.rungs
        self._findings.late = max(self._findings.late, done.late)
        if done.late > LATE:
            self._findings.faults.append(f"{number}: the engine was {done.late} late")

    async def _engine(self, number: str, done: Replay) -> None:
        """The engine carries the case exactly as long as it is open, and owes it no rung."""
        closed = done.case.status is Status.CLOSED
        wanted = WorkflowExecutionStatus.COMPLETED if closed else WorkflowExecutionStatus.RUNNING
        status = (await self._describe(number)).status
        if status is not wanted:
            self._findings.faults.append(f"{number}: the engine has it {status and status.name}, not {wanted.name}")
        self._findings.counts["cases closed" if closed else "cases still open"] += 1
        due = done.case.due()
        if due is not None:
            passed = await self._skipper.get_current_time(self._client.get_workflow_handle(number)) - due.at
            if passed > LATE:
                self._findings.faults.append(f"{number}: {due.clock} {due.action} has been due for {passed}")

    async def outside(self, received: Outside) -> None:
        """Every party has received what concerns it, once, and every text went to the citizen of its case."""
        arrived = (one for one in received.keys.elements() if one[1] not in self._dropped)
        self._findings.same("received", arrived, self._wanted)
        self._findings.same("texts", received.texts.items(), self._phones.items())
        self._findings.counts["texts to citizens"] = len(received.texts)
        self._findings.counts["orders and notices"] = received.keys.total() - len(received.texts)
        self._findings.counts["receipts known by their key when they came again"] = received.repeated

    async def repeated(self, dice: Random) -> None:
        """The same request under the same key, sent once more, gets the first answer."""
        steps = [step for number, done in self._replays.items() for step in self._repeatable(number, done)]
        again = [*self._record.accepted.values(), *dice.sample(steps, min(len(steps), STEPS_REPEATED))]
        gate = asyncio.Semaphore(AT_ONCE)
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            await asyncio.gather(*(self._repeat(http, gate, exchange) for exchange in again))
        self._findings.counts["requests repeated"] = len(again)

    def _repeatable(self, number: str, done: Replay) -> list[Step]:
        """A unit that has lost the case does not see it any more."""
        units = {None, *(part.unit for part in done.case.assignments)}
        return [step for step in self._record.steps[number] if step.unit in units]

    async def _repeat(self, http: httpx2.AsyncClient, gate: asyncio.Semaphore, exchange: Exchange) -> None:
        async with gate:
            response = await _send_again(http, exchange.request)
        if response.status_code != 200 or response.json() != exchange.answer:
            path, status, text = exchange.request.url.path, response.status_code, response.text
            self._findings.faults.append(f"{path} repeated: {status} {text}, first {exchange.answer}")

    async def audit(self) -> None:
        """The chain of events of every case is whole, and no repetition has added to it."""
        found = await verify(self._ledger)
        if found.events != self._findings.counts["events"]:
            self._findings.faults.append(f"audit: {found.events} events, {self._findings.counts['events']} before")
        self._findings.faults += [f"audit: {flaw}" for flaw in found.flaws.values()]
        self._findings.counts["events verified in their chains"] = found.events


async def _send_again(http: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
    """Send a recorded request, later if we are asked to."""
    for _ in range(TRIES):
        response = await http.request(request.method, request.url, headers=request.headers, content=request.content)
        if response.status_code not in (429, 503):
            break
        await asyncio.sleep(float(response.headers.get("Retry-After", 1)))
    return response
