"""What is there afterwards: a case in the ledger, and what the parties of the sandbox city have received."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx2
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from domain.city import City
from domain.effects import Effect, Party
from domain.events import Event
from domain.roles import Actor, Role
from ledger.cases import events_of, get_case, measures_of, messages_of, notes_of
from ledger.models import CaseRow, CaseUnitRow, EventRow, MessageRow
from sandbox.partner import TAKING
from sandbox.system import environment
from settings import Settings

RECEIVED = {"sms": "messages", "grid": "notices", **dict.fromkeys(TAKING, "transfers")}
"""What a party's receipts are called, where they are not orders."""


@dataclass
class Kept:
    """A case as the ledger has it."""

    row: CaseRow
    units: dict[str, bool]
    """The units that have it now, and whether they lead."""
    events: list[Event]
    messages: list[MessageRow]
    measures: list[str]
    notes: list[str]


async def kept(session: AsyncSession, number: str) -> Kept | None:
    """Everything the ledger has of a case; None when it has no such case."""
    row = await get_case(session, number)
    if row is None:
        return None
    units = await session.scalars(select(CaseUnitRow).where(col(CaseUnitRow.case_number) == number))
    return Kept(
        row=row,
        units={unit.unit: unit.lead for unit in units},
        events=[_event(event) for event in await events_of(session, number)],
        messages=await messages_of(session, number),
        measures=[measure.key for measure in await measures_of(session, number)],
        notes=[note.text for note in await notes_of(session, number)],
    )


def _event(row: EventRow) -> Event:
    by = Actor(role=Role(row.role), id=row.actor_id, unit=row.actor_unit)
    return Event.model_validate({**row.model_dump(include=set(Event.model_fields)), "by": by})


class Outside:
    """The receipts of every party of the sandbox city, by key."""

    def __init__(self, receipts: dict[str, list[dict[str, Any]]]) -> None:
        self.keys = Counter((party, entry["key"]) for party, entries in receipts.items() for entry in entries)
        self.texts = {entry["key"]: entry["phone"] for entry in receipts["sms"]}
        """The phone that each text went to."""
        self.repeated = sum(entry["attempts"] > 1 for entries in receipts.values() for entry in entries)
        """How many came more than once, and were known by their key."""

    @classmethod
    async def ask(cls, settings: Settings, parties: Iterable[str]) -> "Outside":
        """Ask each party what it has received."""
        addresses = environment(settings)
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            return cls(
                {
                    party: (await http.get(f"{addresses[endpoint(party)]}/{RECEIVED.get(party, 'orders')}")).json()
                    for party in parties
                }
            )


def endpoint(party: str) -> str:
    """The environment variable with a party's address."""
    return f"JIESU_ENDPOINT_{party.upper()}"


def receiver(effect: Effect, city: City) -> str | None:
    """The party of the sandbox city that an effect must reach; None where people look at our own lists."""
    if effect.party is Party.CITIZEN:
        return "sms"
    if effect.party is Party.GRID:
        return "grid"
    if effect.party not in (Party.UNIT, Party.PARTNER):
        return None
    told = city.units.get(effect.unit or "") or city.partners.get(effect.partner or "")
    return told.endpoint.removeprefix(endpoint("")).lower() if told and told.endpoint else None
