"""Readings for tests of alerts: assets that are watched, what is said of them, and what became of it."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import Connection, func, select

from domain.alerts import Outcome
from domain.city import load_city
from domain.events import Outcome as Ending
from domain.events import Status, Summary
from domain.readings import Reading
from ledger.alert_endings import end_alerts
from ledger.alerts import take_in
from ledger.database import Ledger
from ledger.models import CaseRow
from ledger.tables import ALERTS, CASES
from settings import Settings

CITY = load_city(Settings().city_folder)
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
IDS = count()


def asset(code: str, **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "kind": "device", "unit": "zz-water", "grid": "zz-g-badonglou", "address": "八栋楼3号院", "longitude": None,
        "latitude": None, "vulnerable": [],
    }  # fmt: skip
    return {"code": code, **usual, **more}


ASSETS_HERE = [
    *(asset(f"P-{n}") for n in range(60)),
    asset("H-1", unit="zz-heat"),
    asset("T-1", kind="truck"),
    asset("M-1", kind="meter", vulnerable=["disabled"]),
    asset("M-2", kind="meter", grid=None, address=None),
    *(asset(f"A-{n}", kind="account") for n in range(60)),
]


def reading(asset: str = "P-1", kind: str = "leak-noise", minutes: float = 0, **more: Any) -> Reading:
    usual = {"source": "/test", "id": str(next(IDS)), "recovered": False, "at": NOW + timedelta(minutes=minutes)}
    return Reading.model_validate({**usual, "asset": asset, "kind": kind, **more})


async def take(ledger: Ledger, *readings: Reading, **more: Any) -> list[Outcome]:
    at = max([NOW, *(reading.at for reading in readings if reading.at < NOW + timedelta(days=9))])
    return await ledger.run(take_in, CITY, readings, at, **more)


async def became(ledger: Ledger, *readings: Reading, **more: Any) -> list[str]:
    return [outcome.became.value for outcome in await take(ledger, *readings, **more)]


async def how_many(ledger: Ledger, *which: Any) -> int:
    def counted(connection: Connection) -> int:
        return connection.scalar(select(func.count()).select_from(ALERTS).where(*which)) or 0

    return await ledger.run(counted)


async def cases(ledger: Ledger) -> list[CaseRow]:
    def read(connection: Connection) -> list[CaseRow]:
        rows = connection.execute(select(CASES).order_by(CASES.c.number)).mappings()
        return [CaseRow(**row) for row in rows]

    return await ledger.run(read)


async def close(ledger: Ledger, number: str, outcome: Ending = Ending.RESOLVED) -> None:
    def ended(connection: Connection) -> None:
        summary = Summary(
            number=number, status=Status.CLOSED, outcome=outcome, category="proactive", closed_at=NOW, last_event=9
        )
        end_alerts(connection, summary)
        connection.execute(CASES.update().where(CASES.c.number == number).values(closed_at=NOW))

    await ledger.run(ended)
