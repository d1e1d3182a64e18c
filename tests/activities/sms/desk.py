"""A desk at which cases are opened, citizens texted, and the clock set; its gateway keeps what it is given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from temporalio.exceptions import ApplicationError

from activities.sms.citizens import Sms
from activities.sms.port import BAD_NUMBER, Gateway, Text
from activities.sms.waiting import Waiting
from activities.watch import Watch
from domain.city import City
from domain.effects import Effect, Party
from domain.events import Event, EventKind, Status, Summary
from domain.roles import Actor, Role
from ledger.cases import get_case, messages_of
from ledger.database import Ledger
from ledger.intake import Intake, open_case
from ledger.models import CaseRow, MessageRow
from ledger.receipts import Receipt, note_receipt
from ledger.recording import record

PHONE, OTHER_PHONE = "13812345678", "13900000000"
NOON = datetime(2026, 11, 22, 12, tzinfo=ZoneInfo("Asia/Shanghai"))
MIDNIGHT, MORNING = NOON.replace(hour=23), NOON.replace(hour=7) + timedelta(days=1)


class Memory(Gateway):
    """A gateway that takes every text, after failing with the errors given."""

    def __init__(self, *errors: str) -> None:
        self.texts: list[Text] = []
        self._errors = list(errors)

    async def send(self, text: Text) -> str | None:
        self.texts.append(text)
        if self._errors:
            error = self._errors.pop(0)
            raise ApplicationError("no", type=error, non_retryable=error == BAD_NUMBER)
        return f"r-{len(self.texts)}"


@dataclass
class Desk:
    """What tests do: open cases of a number, text about them, set the clock."""

    ledger: Ledger
    city: City
    gateway: Gateway
    set_clock: Callable[[datetime], None]
    watch: Watch

    def through(self, *errors: str) -> Memory:
        """Text through a gateway that remembers, from now on."""
        self.gateway = memory = Memory(*errors)
        return memory

    async def case(self, phone: str = PHONE, *, outage: bool = False) -> str:
        intake = Intake(
            received_at=NOON.astimezone(UTC), channel="phone", category="help", title="停水", text="停水",
            opened_role=Role.AGENT, opened_id="a", rulebook_version="1", phone=phone, outage=outage,
        )  # fmt: skip
        row, _ = await self.ledger.run(open_case, "ZZ", intake, date(2026, 11, 22))
        summary = Summary(number=row.number, status=Status.RECEIVED, category="help", last_event=1, outage=outage)
        by = Actor(role=Role.AGENT, id="a")
        await self.ledger.run(record, summary, [Event(n=1, at=NOON.astimezone(UTC), kind=EventKind.RECEIVED, by=by)])
        return row.number

    async def text(self, number: str, kind: str = "received") -> None:
        key = f"{number}:1:citizen::{kind}"
        effect = Effect(key=key, case=number, event=1, party=Party.CITIZEN, kind=kind)
        await Sms(self.ledger, self.city, self.gateway, self.watch).text(effect)

    async def text_at_night(self, *numbers: str) -> None:
        """Text about cases at an hour at which all has to wait; afterwards it is morning."""
        self.set_clock(MIDNIGHT)
        for number in numbers:
            await self.text(number)
        self.set_clock(MORNING)

    async def round(self) -> int:
        return await Waiting(self.ledger, self.city, self.gateway, self.watch).send_due()

    async def messages(self, number: str) -> list[MessageRow]:
        async with self.ledger.session() as session:
            return await messages_of(session, number)

    async def message(self, number: str) -> MessageRow:
        [message] = await self.messages(number)
        return message

    async def row(self, number: str) -> CaseRow:
        async with self.ledger.session() as session:
            row = await get_case(session, number)
        assert row is not None
        return row

    async def receipt(self, receipt: Receipt) -> str:
        return await self.ledger.run(note_receipt, "http", receipt, NOON.astimezone(UTC))
