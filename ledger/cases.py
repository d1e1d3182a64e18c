"""Cases: opening them, recording what happens to them, reading one."""

import secrets
from datetime import date, datetime
from hashlib import sha256

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import not_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel, col

from domain.case import Opening
from domain.events import Status
from domain.roles import Actor, Role
from ledger.chain import new_salt, seal_request
from ledger.database import insert
from ledger.errors import KeyReused
from ledger.models import CaseRow, EventRow, MeasureRow, MessageRow, NoteRow, SerialRow
from ledger.sight import Sight

CASES = SQLModel.metadata.tables["cases"]

CODE_DIGITS = 8


class Intake(BaseModel):
    """A request as it came in. What its `repr` hides is personal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    received_at: AwareDatetime
    channel: str
    name: str | None = Field(default=None, repr=False)
    phone: str | None = Field(default=None, repr=False)
    address: str | None = Field(default=None, repr=False)
    title: str = Field(repr=False)
    text: str = Field(repr=False)
    longitude: float | None = Field(default=None, repr=False)
    latitude: float | None = Field(default=None, repr=False)
    original_number: str | None = None
    """The request's number at the province or at 110."""
    withheld: bool = False
    """Whether the citizen asked that unit and grid do not learn who they are."""
    vulnerable: list[str] = Field(default_factory=list, repr=False)
    """Who needs help: `alone`, `elderly`, `disabled`."""
    category: str
    item: str | None = None
    outage: bool = False
    province: bool = False
    grid: str | None = None
    marks: list[str] = Field(default_factory=list)
    opened_role: Role
    opened_id: str
    rulebook_version: str

    def digest(self) -> str:
        """What tells two bodies apart; a repeat comes at another time, and may come under another rulebook."""
        # What was not asked for counts as if nobody could have asked: so it was when older requests were written down.
        unasked = {name for name in ("withheld", "vulnerable") if not getattr(self, name)}
        body = self.model_dump_json(exclude={"received_at", "rulebook_version"} | unasked)
        return sha256(body.encode()).hexdigest()


async def open_case(
    session: AsyncSession, city_code: str, intake: Intake, local_day: date, key: str | None = None
) -> tuple[CaseRow, bool]:
    """Number a request and write it down; return it and whether it is new.

    A `key` that was used before gives the case it opened then, and False; with another body it raises KeyReused.
    """
    digest = intake.digest()
    if key and (known := await _opened_with(session, key, digest)):
        return known, False
    salt = new_salt()
    row = CaseRow(
        **intake.model_dump(),
        number=await _next_number(session, city_code, local_day),
        intake_key=key,
        intake_hash=digest,
        code=f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}",
        status=Status.RECEIVED.value,
        priority=int(bool(intake.vulnerable)),
        salt=salt,
    )
    row.sealed = seal_request(salt, row.model_dump())
    statement = insert(session, CaseRow).values(row.model_dump()).on_conflict_do_nothing(index_elements=["intake_key"])
    opened = await session.scalar(statement.returning(CaseRow))
    if opened:
        return opened, True
    # Another request with this key was faster; the number allotted to this one stays unused.
    assert key is not None
    known = await _opened_with(session, key, digest)
    assert known is not None
    return known, False


async def _opened_with(session: AsyncSession, key: str, digest: str) -> CaseRow | None:
    known = await session.scalar(select(CaseRow).where(col(CaseRow.intake_key) == key))
    if known and known.intake_hash != digest:
        raise KeyReused(key)
    return known


async def _next_number(session: AsyncSession, city_code: str, day: date) -> str:
    first = insert(session, SerialRow).values(city=city_code, day=day, last=1)
    following = first.on_conflict_do_update(
        index_elements=["city", "day"], set_={"last": col(SerialRow.last) + 1}
    ).returning(col(SerialRow.last))
    serial = (await session.execute(following)).scalar_one()
    return f"{city_code}-{day:%Y%m%d}-{serial:05d}"


async def renumber(session: AsyncSession, number: str, city_code: str, day: date) -> CaseRow:
    """Give a case of which nothing has been recorded the next number of the day."""
    following = await _next_number(session, city_code, day)
    await session.execute(update(CASES).where(CASES.c.number == number, not_(CASES.c.started)).values(number=following))
    return await session.get_one(CaseRow, following)


async def unstarted(session: AsyncSession, limit: int, before: datetime | None = None) -> list[CaseRow]:
    """Cases of which the engine has recorded nothing yet, received before an instant, lowest number first."""
    statement = select(CaseRow).where(not_(CASES.c.started)).order_by(CASES.c.number).limit(limit)
    if before is not None:
        statement = statement.where(CASES.c.received_at < before)
    return list(await session.scalars(statement))


async def open_cases(session: AsyncSession, limit: int, after: str = "") -> list[CaseRow]:
    """Cases that are not closed, by number, from the one following `after`."""
    statement = select(CaseRow).where(CASES.c.closed_at.is_(None), CASES.c.number > after)
    return list(await session.scalars(statement.order_by(CASES.c.number).limit(limit)))


def opening(row: CaseRow) -> Opening:
    """What the engine is told of a case: codes only."""
    return Opening(
        number=row.number,
        received_at=row.received_at,
        by=Actor(role=Role(row.opened_role), id=row.opened_id),
        channel=row.channel,
        category=row.category,
        item=row.item,
        outage=row.outage,
        province=row.province,
        grid=row.grid,
        marks=row.marks,
    )


async def get_case(session: AsyncSession, number: str) -> CaseRow | None:
    """The case of a number."""
    return await session.get(CaseRow, number, populate_existing=True)


async def find_case(session: AsyncSession, number: str, sight: Sight) -> CaseRow | None:
    """The case of a number, if it is in sight."""
    return await session.scalar(select(CaseRow).where(CASES.c.number == number, *sight.conditions()))


async def events_of(session: AsyncSession, number: str) -> list[EventRow]:
    """What happened to a case, in order."""
    statement = select(EventRow).where(col(EventRow.case_number) == number).order_by(col(EventRow.n))
    return list(await session.scalars(statement))


async def messages_of(session: AsyncSession, number: str) -> list[MessageRow]:
    """The messages about a case, oldest first."""
    statement = select(MessageRow).where(col(MessageRow.case_number) == number)
    return list(await session.scalars(statement.order_by(col(MessageRow.created_at), col(MessageRow.key))))


async def measures_of(session: AsyncSession, number: str) -> list[MeasureRow]:
    """The measures raised over a case, oldest first."""
    statement = select(MeasureRow).where(col(MeasureRow.case_number) == number)
    return list(await session.scalars(statement.order_by(col(MeasureRow.at), col(MeasureRow.key))))


async def notes_of(session: AsyncSession, number: str) -> list[NoteRow]:
    """The free texts of a case's steps, oldest first."""
    statement = select(NoteRow).where(col(NoteRow.case_number) == number)
    return list(await session.scalars(statement.order_by(col(NoteRow.created_at), col(NoteRow.id))))
