"""Intake: a request numbered and written down, in one transaction."""

import secrets
from datetime import date
from functools import cache
from hashlib import sha256
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import Connection, bindparam, not_, select, update

from domain.events import Status
from domain.roles import Role
from ledger.chain import new_salt, seal_request
from ledger.database import insert_for
from ledger.errors import KeyReused
from ledger.models import CaseRow, SerialRow
from ledger.readable import read_case
from ledger.tables import CASES, SERIALS

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
    """The request's number at the hotline or platform it comes from."""
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
    ordered: list[str] = Field(default_factory=list)
    """Units to which the engine itself sends it at once, the lead first."""

    def digest(self) -> str:
        """What tells two bodies apart; a repeat comes at another time, and may come under another rulebook."""
        # What was not asked for counts as if nobody could have asked: so it was when older requests were written down.
        unasked = {name for name in ("withheld", "vulnerable", "ordered") if not getattr(self, name)}
        body = self.model_dump_json(exclude={"received_at", "rulebook_version"} | unasked)
        return sha256(body.encode()).hexdigest()


# Prepared once: they run for every request.
OPENED_WITH = select(CASES).where(CASES.c.intake_key == bindparam("key"))
BY_NUMBER = select(CASES).where(CASES.c.number == bindparam("number"))


def open_case(
    connection: Connection, city_code: str, intake: Intake, local_day: date, key: str | None = None
) -> tuple[CaseRow, bool]:
    """Number a request and write it down; return it and whether it is new.

    A `key` that was used before gives the case it opened then, and False; with another body it raises KeyReused, and
    Unreadable where that case was changed.
    """
    digest = intake.digest()
    if key and (known := _opened_with(connection, key, digest)):
        return known, False
    salt = new_salt()
    row = CaseRow(
        **intake.model_dump(),
        number=_next_number(connection, city_code, local_day),
        intake_key=key,
        intake_hash=digest,
        code=f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}",
        status=Status.RECEIVED.value,
        priority=int(bool(intake.vulnerable)),
        salt=salt,
    )
    row.sealed = seal_request(salt, row.model_dump())
    if connection.execute(_open(connection.dialect.name), row.model_dump()).first():
        return row, True
    # Another request with this key was faster; the number allotted to this one stays unused.
    assert key is not None
    known = _opened_with(connection, key, digest)
    assert known is not None
    return known, False


def renumber(connection: Connection, number: str, city_code: str, day: date) -> CaseRow:
    """Give a case of which nothing has been recorded the next number of the day."""
    following = _next_number(connection, city_code, day)
    unstarted = (CASES.c.number == number) & not_(CASES.c.started)
    connection.execute(update(CASES).where(unstarted).values(number=following))
    return CaseRow(**connection.execute(BY_NUMBER, {"number": following}).mappings().one())


def opened_with(connection: Connection, key: str) -> CaseRow | None:
    """The case that a key opened. Raises Unreadable."""
    return read_case(connection, OPENED_WITH, {"key": key})


def _opened_with(connection: Connection, key: str, digest: str) -> CaseRow | None:
    known = opened_with(connection, key)
    if known and known.intake_hash != digest:
        raise KeyReused(key)
    return known


def _next_number(connection: Connection, city_code: str, day: date) -> str:
    first = {"city": city_code, "day": day, "last": 1}
    serial = connection.execute(_count(connection.dialect.name), first).scalar_one()
    return f"{city_code}-{day:%Y%m%d}-{serial:05d}"


@cache
def _open(dialect: str) -> Any:
    return insert_for(dialect, CaseRow).on_conflict_do_nothing(index_elements=["intake_key"]).returning(CASES.c.number)


@cache
def _count(dialect: str) -> Any:
    following = insert_for(dialect, SerialRow).on_conflict_do_update(
        index_elements=["city", "day"], set_={"last": SERIALS.c.last + 1}
    )
    return following.returning(SERIALS.c.last)
