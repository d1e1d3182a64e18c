"""Systems of units and partners: which of them work, and what waits for those that do not."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import Connection, RowMapping

from api.access import allowed
from api.service import Jiesu, Service, now
from domain.partners import Partner
from domain.rulebook import seconds
from domain.systems import by_system, receivers
from domain.units import Unit
from ledger.systems import known_systems, waiting

router = APIRouter(tags=["systems"])


class OutsideSystem(BaseModel):
    """A system by which one unit or partner, or several, are reached."""

    system: str
    units: list[str] = Field(description="Codes of the units that share it.")
    partners: list[str] = Field(description="Codes of the partners that share it.")
    reach: str = Field(description="`webhook` or `open311`.")
    up: bool = Field(description="Whether it took the last message that was sent to it, or none failed yet.")
    down_since: datetime | None = Field(description="When it first failed since it last worked.")
    back_at: datetime | None = Field(description="When it was last found to work again.")
    last_error: str | None = Field(description="Code of its last failure, such as `http_503` or `unreachable`.")
    waiting: int = Field(description="Messages that it has not taken yet.")
    oldest_waiting: datetime | None


@router.get("/systems", summary="Systems of units and partners", dependencies=[Depends(allowed("read-systems"))])
async def read_systems(jiesu: Jiesu) -> list[OutsideSystem]:
    """Every system that orders or transfers go to by themselves: up, or down since when, and what waits for it."""
    return await jiesu.ledger.run(_systems, jiesu, now())


def _systems(connection: Connection, jiesu: Service, at: datetime) -> list[OutsideSystem]:
    known = {row["system"]: row for row in known_systems(connection)}
    after_closing = timedelta(seconds=seconds(jiesu.city.rulebook.effects.give_up_after))
    return [
        _system(connection, name, sharing, known.get(name), at, after_closing)
        for name, sharing in by_system(jiesu.city.units.values(), jiesu.city.partners.values()).items()
    ]


def _system(
    connection: Connection,
    name: str,
    sharing: tuple[Unit | Partner, ...],
    row: RowMapping | None,
    at: datetime,
    after_closing: timedelta,
) -> OutsideSystem:
    left = waiting(connection, receivers(sharing), at, after_closing)
    down_since = row["down_since"] if row else None
    return OutsideSystem(
        system=name,
        units=[party.code for party in sharing if isinstance(party, Unit)],
        partners=[party.code for party in sharing if isinstance(party, Partner)],
        reach=sharing[0].reach,
        up=down_since is None,
        down_since=down_since,
        back_at=row["back_at"] if row else None,
        last_error=row["last_error"] if row else None,
        waiting=left.messages,
        oldest_waiting=left.oldest,
    )
