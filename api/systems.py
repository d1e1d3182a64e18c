"""Outside systems: which of them work, and what waits for those that do not."""

from datetime import datetime

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from sqlalchemy import Connection, RowMapping

from api.access import allowed
from api.service import Jiesu, Service, now
from domain.partners import Partner
from domain.rulebook import pause
from domain.systems import by_system, receivers
from domain.units import Unit
from ledger.systems import Waiting, known_systems, waiting

router = APIRouter(tags=["systems"])


class OutsideSystem(BaseModel):
    """A system by which units and partners, all grids or all citizens are reached."""

    system: str = Field(description="`grid-platform`, `sms-gateway`, or named after its endpoint.")
    units: list[str] = Field(description="Codes of the units that share it.")
    partners: list[str] = Field(description="Codes of the partners that share it.")
    reach: str = Field(description="`webhook`, `open311`, or `platform` for the two that all cases share.")
    up: bool = Field(description="Whether it took the last message that was sent to it, or none failed yet.")
    down_since: datetime | None = Field(description="When it first failed since it last worked.")
    back_at: datetime | None = Field(description="When it was last found to work again.")
    last_error: str | None = Field(description="Code of its last failure, such as `http_503` or `unreachable`.")
    waiting: int = Field(description="Messages that it has not taken yet.")
    oldest_waiting: datetime | None


@router.get("/systems", summary="Outside systems", dependencies=[Depends(allowed("read-systems"))])
async def read_systems(jiesu: Jiesu) -> list[OutsideSystem]:
    """Every system that orders, transfers, notices and texts go to by themselves: up or down, and what waits for it.

    Texts that wait for the morning or the next day wait for no system.
    """
    return await jiesu.ledger.run(_systems, jiesu, now())


def _systems(connection: Connection, jiesu: Service, at: datetime) -> list[OutsideSystem]:
    known = {row["system"]: row for row in known_systems(connection)}
    after_closing = pause(jiesu.city.rulebook.effects.give_up_after)
    shared = by_system(jiesu.city.units.values(), jiesu.city.partners.values())
    return [
        _system(name, shared.get(name, ()), known.get(name), waiting(connection, whom, at, after_closing))
        for name, whom in receivers(shared).items()
    ]


def _system(name: str, sharing: tuple[Unit | Partner, ...], row: RowMapping | None, left: Waiting) -> OutsideSystem:
    down_since = row["down_since"] if row else None
    return OutsideSystem(
        system=name,
        units=[party.code for party in sharing if isinstance(party, Unit)],
        partners=[party.code for party in sharing if isinstance(party, Partner)],
        reach=sharing[0].reach if sharing else "platform",
        up=down_since is None,
        down_since=down_since,
        back_at=row["back_at"] if row else None,
        last_error=row["last_error"] if row else None,
        waiting=left.messages,
        oldest_waiting=left.oldest,
    )
