"""The full record of one case: everything the ledger has of it, and whether that is what was once recorded."""

from datetime import UTC, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, Table, select

from domain.city import City
from domain.commitment_clocks import CommitmentClock
from domain.events import late_seconds
from ledger.alert_overview import CaseAlerts, case_alerts
from ledger.audit import verify_case
from ledger.database import snapshot
from ledger.errors import Unreadable
from ledger.proof import Flaw
from ledger.tables import (
    ATTACHMENTS,
    CASES,
    EVENTS,
    FINDINGS,
    MEASURES,
    MESSAGES,
    NOTES,
    READS,
    VOIDED,
)


class Check(BaseModel):
    """Whether chain, standing, texts and measures are as they were recorded; if not, what is wrong first."""

    whole: bool
    event: int | None = None
    """Number of the first bad event; None where no event is bad, but where the case is shown to stand."""
    what: str | None = None
    what_zh: str | None = None


class Request(BaseModel):
    """The request as it came in; its personal words are empty once they have been erased."""

    received_at: AwareDatetime
    channel: str
    name: str | None
    phone: str | None
    address: str | None
    title: str
    text: str
    longitude: float | None
    latitude: float | None
    withheld: bool
    vulnerable: list[str]
    original_number: str | None
    marks: list[str]
    rulebook_version: str
    opened_role: str
    opened_id: str
    erased_at: AwareDatetime | None
    unreachable_at: AwareDatetime | None
    salt: str | None
    sealed: str | None


class Standing(BaseModel):
    """Where the case stands."""

    status: str
    outcome: str | None
    category: str
    item: str | None
    outage: bool
    province: bool
    lead: str | None
    assisting: list[str]
    grid: str | None
    due: AwareDatetime | None
    due_clock: str | None
    provisional: bool
    breaches: list[str]
    breached: bool
    extended: bool
    rework_rounds: int
    hurries: int
    closed_at: AwareDatetime | None
    last_event: int
    started: bool
    head: str | None
    seal: str | None


class RecordedEvent(BaseModel):
    """One thing that happened."""

    n: int
    at: AwareDatetime
    kind: str
    role: str
    actor_id: str
    actor_unit: str | None
    unit: str | None
    clock: str | None
    due: AwareDatetime | None
    late_seconds: int | None
    provisional: bool
    action: str | None
    note: str | None
    text: str | None
    facts: dict[str, Any]
    sealed: str | None
    hash: str | None


class VoidedEvent(BaseModel):
    """An event written for a step that then never happened."""

    n: int
    at: AwareDatetime
    voided_at: AwareDatetime
    event: dict[str, Any]


class Note(BaseModel):
    """A free text of a step."""

    id: str
    author_role: str
    author_id: str
    text: str
    created_at: AwareDatetime
    salt: str | None
    sealed: str | None


class Message(BaseModel):
    """A message to somebody."""

    key: str
    event: int
    party: str
    unit: str | None
    template: str
    text: str
    status: str
    attempts: int
    reference: str | None
    error: str | None
    created_at: AwareDatetime
    sent_at: AwareDatetime | None
    held_until: AwareDatetime | None
    merged_into: str | None
    reported_at: AwareDatetime | None


class Measure(BaseModel):
    """A measure of supervision raised over the case."""

    model_config = ConfigDict(from_attributes=True)

    event: int
    action: str
    unit: str | None
    situation: str | None
    clock: str | None
    due: AwareDatetime | None
    at: AwareDatetime


class Attachment(BaseModel):
    """A file, by the hash of its content."""

    sha256: str
    media_type: str
    size: int
    author_role: str
    author_id: str
    at: AwareDatetime


class RecordedFinding(BaseModel):
    """What an inspector found."""

    id: str
    author_id: str
    text: str
    at: AwareDatetime


class RecordedRead(BaseModel):
    """A read of the case's personal data."""

    at: AwareDatetime
    role: str
    actor_id: str
    actor_unit: str | None
    what: str


class Record(BaseModel):
    """Everything the ledger has of a case, at one moment."""

    number: str
    made_at: AwareDatetime
    check: Check
    request: Request
    standing: Standing
    events: list[RecordedEvent]
    voided: list[VoidedEvent]
    notes: list[Note]
    messages: list[Message]
    measures: list[Measure]
    commitments: list[CommitmentClock] = Field(description="The units' own (服务承诺), apart from the legal limits.")
    alerts: CaseAlerts | None = Field(description="What sensors say by now of a proactive case (未诉先办); else None.")
    attachments: list[Attachment]
    findings: list[RecordedFinding] | None = Field(description="None for posts that may not read them.")
    reads: list[RecordedRead] | None = Field(description="None for posts that may not read them.")


def gather(connection: Connection, number: str, city: City, *, findings: bool, reads: bool) -> Record | None:
    """The record of a case, with inspectors' findings and its readers or without; None if there is no such case.

    Raises Unreadable where somebody put into the database what no value of ours is.
    """
    snapshot(connection)
    if connection.scalar(select(CASES.c.number).where(CASES.c.number == number)) is None:
        return None
    flaw = verify_case(connection, number)
    try:
        return _record(connection, number, city, flaw, findings=findings, reads=reads)
    except (ValueError, TypeError):
        raise Unreadable(number, str(flaw) if flaw else None) from None


def _record(
    connection: Connection, number: str, city: City, flaw: Flaw | None, *, findings: bool, reads: bool
) -> Record:
    (case,) = _rows(connection, CASES, number)
    notes = _rows(connection, NOTES, number, "created_at", "id")
    texts = {note["id"]: note["text"] for note in notes}
    events = [RecordedEvent(**_event(event, texts)) for event in _rows(connection, EVENTS, number, "n")]
    made_at = datetime.now(UTC)
    return Record.model_validate(
        {
            "number": number,
            "made_at": made_at,
            "check": _check(flaw),
            "request": case,
            "standing": case,
            "events": events,
            "commitments": city.commitments_of(events, made_at),
            "voided": _rows(connection, VOIDED, number, "id"),
            "notes": notes,
            "messages": _rows(connection, MESSAGES, number, "created_at", "key"),
            "measures": _rows(connection, MEASURES, number, "at", "key"),
            "alerts": case_alerts(connection, city, number, places=case["erased_at"] is None),
            "attachments": _rows(connection, ATTACHMENTS, number, "at", "sha256"),
            "findings": _rows(connection, FINDINGS, number, "at", "id") if findings else None,
            "reads": _rows(connection, READS, number, "id") if reads else None,
        }
    )


def _rows(connection: Connection, table: Table, number: str, *order: str) -> list[dict[str, Any]]:
    case = table.c.number if table is CASES else table.c.case_number
    found = connection.execute(select(table).where(case == number).order_by(*(table.c[name] for name in order)))
    return [row._asdict() for row in found]


def _check(flaw: Flaw | None) -> Check:
    if flaw is None:
        return Check(whole=True)
    return Check(whole=False, event=flaw.event, what=flaw.what, what_zh=flaw.what_zh)


def _event(row: dict[str, Any], texts: dict[str, str]) -> dict[str, Any]:
    late = late_seconds(row["at"], row["due"], row["role"])
    return {**row, "late_seconds": late, "text": texts.get(row["note"])}
