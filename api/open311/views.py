"""What a request looks like to whoever follows it: where it stands, and to few what it says."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from api.masking import title_in_list
from api.open311.expected import expected_of
from api.service import Service
from domain import words
from domain.events import Outcome, Status
from domain.open311 import OTHER, OTHER_NAME, notes
from domain.roles import Actor
from ledger.models import CaseRow
from ledger.open311 import last_changes, last_words


class RequestView(BaseModel):
    """A request as it stands. What was filed and reported is for the key that filed it, where it is asked for by id."""

    service_request_id: str
    status: Literal["open", "closed"]
    status_notes: str
    service_name: str
    service_code: str
    description: str | None
    agency_responsible: str | None
    service_notice: None = None
    requested_datetime: AwareDatetime
    updated_datetime: AwareDatetime
    expected_datetime: AwareDatetime | None
    address: str | None
    address_id: None = None
    zipcode: None = None
    lat: float | None
    long: float | None
    media_url: None = None


async def views(
    session: AsyncSession, rows: Sequence[CaseRow], asker: Actor | None, jiesu: Service, in_full: Collection[str] = ()
) -> list[RequestView]:
    """The requests as `asker` may read them; those of the numbers `in_full` with what was filed and reported."""
    changes = await last_changes(session, [row.number for row in rows])
    expected = await expected_of(session, rows, jiesu)
    said = await last_words(session, in_full)
    return [
        RequestView(
            **_standing(row, said.get(row.number), jiesu),
            **_times(row, changes.get(row.number), expected.get(row.number), jiesu),
            **_service(row, jiesu),
            **_words(row, asker, in_full=row.number in in_full),
        )
        for row in rows
    ]


def _standing(row: CaseRow, said: str | None, jiesu: Service) -> dict[str, Any]:
    state = words.OUTCOME[Outcome(row.outcome)] if row.outcome else words.STATUS[Status(row.status)]
    return {
        "service_request_id": row.number,
        "status": "open" if row.closed_at is None else "closed",
        "status_notes": notes(state, said),
        "agency_responsible": jiesu.city.called(row.lead),
    }


def _times(row: CaseRow, changed: datetime | None, expected: datetime | None, jiesu: Service) -> dict[str, Any]:
    times = {
        "requested_datetime": row.received_at,
        "updated_datetime": row.closed_at or changed or row.received_at,
        "expected_datetime": expected,
    }
    return {name: at and at.astimezone(jiesu.city.zone).replace(microsecond=0) for name, at in times.items()}


def _service(row: CaseRow, jiesu: Service) -> dict[str, Any]:
    """The service by the name it had on the day of receipt."""
    code = row.item or OTHER
    in_force, ever = jiesu.city.catalog_at(row.received_at).items, jiesu.city.catalog.versions
    named = in_force.get(code) or next((item for item in ever if item.code == code), None)
    return {"service_code": code, "service_name": named.name if named else OTHER_NAME if code == OTHER else code}


def _words(row: CaseRow, asker: Actor | None, *, in_full: bool) -> dict[str, Any]:
    if in_full:
        return {"description": row.text, "address": row.address, "lat": row.latitude, "long": row.longitude}
    title = title_in_list(row, asker) if asker else None
    return {"description": title, "address": None, "lat": None, "long": None}
