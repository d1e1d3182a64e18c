"""Other hotlines and platforms: a case goes there with its record, and what comes after it as a notice."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import webhook
from activities.delivery import deliver
from activities.systems import System, Through
from activities.told import what_is_told
from domain.city import City
from domain.effects import TELL, Effect, Party
from domain.events import EventKind
from domain.masking import anonymous
from domain.partners import Partner
from ledger.attachments import attachments_of
from ledger.cases import events_of, get_case
from ledger.database import Ledger
from ledger.models import AttachmentRow, CaseRow, EventRow
from ledger.told import Told

BETWEEN_OURSELVES = frozenset(
    {
        EventKind.ESCALATED,
        EventKind.EFFECT_FAILED,
        EventKind.RESENT,
        EventKind.CALENDAR_CHANGED,
        EventKind.DEADLINE_MOVED,
    }
)
"""Kinds of events that are the hotline's and its supervisors' own business."""


class Partners:
    """Tells partners of cases that are transferred to them."""

    def __init__(self, ledger: Ledger, city: City, http: aiohttp.ClientSession, systems: Mapping[str, System]) -> None:
        self._ledger, self._city, self._http, self._systems = ledger, city, http, systems

    @activity.defn(name=TELL[Party.PARTNER])
    async def tell(self, effect: Effect) -> None:
        """Send one transfer or notice; the partner knows a repetition by the effect's key.

        A partner reached by people is told on the phone by whoever transfers the case: nothing is sent.

        Raises ApplicationError as a unit's telling does; not retryable for a partner that takes no cases any more.
        """
        partner = self._city.partners.get(effect.partner or "")
        if partner is None:
            raise ApplicationError(f"No partner {effect.partner} here", type="unknown_partner", non_retryable=True)
        if partner.reach == "people":
            return
        if partner.system is None:
            raise ApplicationError(f"{partner.code} takes no cases", type="no_endpoint", non_retryable=True)

        async def tell(through: Through) -> None:
            await self._tell(partner, effect, through)

        await self._systems[partner.system].tell(tell)

    async def _tell(self, partner: Partner, effect: Effect, through: Through) -> None:
        told = await what_is_told(self._ledger, effect)
        body = await self._transfer(partner, effect, told) if effect.kind == "transfer" else _notice(effect)
        body["text"] = _words(partner, told, told.note)
        body["attachments"] = await self._files(partner, effect.case, told)

        async def send() -> dict[str, Any]:
            return await webhook.send(self._http, partner, effect, body, "transfers")

        await deliver(self._ledger, effect, body["text"] or "", lambda: through(send))

    async def _transfer(self, partner: Partner, effect: Effect, told: Told) -> dict[str, Any]:
        async with self._ledger.session() as session:
            row = await get_case(session, effect.case)
            events = await events_of(session, effect.case)
        assert row is not None, "a case that has events is there"
        return {
            "type": "transfer",
            "to": partner.code,
            "case": row.number,
            "record": _request(row) | _citizen(partner, row, told),
            "events": [_event(event) for event in events if event.kind not in BETWEEN_OURSELVES],
        }

    async def _files(self, partner: Partner, number: str, told: Told) -> list[dict[str, Any]]:
        """Those that the case has by now, and the partner may see."""
        async with self._ledger.session() as session:
            files = await attachments_of(session, number)
        return [_file(file) for file in files if partner.may_see(file.author_role, withheld=told.withheld)]


def _notice(effect: Effect) -> dict[str, Any]:
    return {"type": "notice", "to": effect.partner, "case": effect.case, "notice": effect.kind}


def _request(row: CaseRow) -> dict[str, Any]:
    return {
        **row.model_dump(include={"original_number", "channel", "category", "item", "longitude", "latitude"}),
        "received_at": row.received_at.isoformat(),
    }


def _citizen(partner: Partner, row: CaseRow, told: Told) -> dict[str, Any]:
    """The words of the request, and whom it is from unless they asked that it be withheld and no life depends on it."""
    known = partner.learns_identity(withheld=row.withheld)
    return {
        "title": _words(partner, told, row.title),
        "text": _words(partner, told, row.text),
        "address": _words(partner, told, row.address),
        "vulnerable": row.vulnerable,
        "contact": {
            "name": row.name if known else None, "phone": row.phone if known else None, "withheld": row.withheld,
        },
    }  # fmt: skip


def _words(partner: Partner, told: Told, words: str | None) -> str | None:
    if words is None or partner.learns_identity(withheld=told.withheld):
        return words
    return anonymous(words, told.name)


def _file(file: AttachmentRow) -> dict[str, Any]:
    return file.model_dump(include={"sha256", "media_type", "size"})


def _event(event: EventRow) -> dict[str, Any]:
    return {"n": event.n, "at": event.at.isoformat(), "kind": event.kind, "by": event.role, "unit": event.unit}
