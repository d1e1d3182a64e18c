"""Alerts while others are at them too: nobody waits for anybody, and one case is opened."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.events import Outcome as Ending
from domain.readings import BadEvent, Reading
from ledger import alert_cases
from ledger.alert_endings import expire_alerts, free_alerts, mark_told, untold
from ledger.alert_housing import house_alerts
from ledger.alerts import take_in
from ledger.assets import all_assets, put_assets
from ledger.database import Ledger, open_ledger
from ledger.refused import refusal_counts
from ledger.tables import ALERTS, CASES
from tests.ledger.alerting import CITY, LATER, NOW, cases, close, how_many, reading, take


async def test_whoever_is_refused_at_the_same_time_waits_for_nobody(alerts: Ledger) -> None:
    bad: list[Reading | BadEvent] = [BadEvent("unknown_type", b"x"), BadEvent("malformed", b"x"), reading("nobody")]

    async def refused(events: list[Reading | BadEvent]) -> None:
        for _ in range(20):
            await alerts.run(take_in, CITY, events, NOW)

    await asyncio.gather(refused(bad), refused(bad[::-1]))
    async with alerts.session() as session:
        assert [row.count for row in await refusal_counts(session)] == [40, 40, 40]


async def test_assets_may_be_registered_while_their_sensors_speak(alerts: Ledger) -> None:
    known = await alerts.run(all_assets)

    async def registered() -> None:
        for _ in range(10):
            await alerts.run(put_assets, known[::-1])

    async def heard() -> None:
        for minutes in range(10):
            await take(alerts, *(reading(f"P-{n}", minutes=minutes) for n in range(60)))

    await asyncio.gather(registered(), heard())
    assert await how_many(alerts) == 60


async def test_readings_recoveries_closings_and_the_sweep_never_wait_for_each_other(alerts: Ledger) -> None:
    async def heard(step: int, **more: Any) -> None:
        for minutes in range(8):
            await take(alerts, *(reading(f"P-{(n * step) % 60}", minutes=minutes, **more) for n in range(60)))

    async def closed(outcome: Ending) -> None:
        for _ in range(8):
            for case in await cases(alerts):
                await close(alerts, case.number, outcome)

    async def swept() -> None:
        for minutes in range(8):
            await alerts.run(expire_alerts, NOW + timedelta(minutes=minutes))
            await alerts.run(free_alerts, NOW)
            await alerts.run(house_alerts, CITY, NOW)
            for case, at in await alerts.run(untold, LATER, 10):
                await alerts.run(mark_told, case, at, NOW)

    await asyncio.gather(
        heard(1, value=70), heard(59, value=70), heard(7, recovered=True), closed(Ending.RECOVERED),
        closed(Ending.RESOLVED), swept(), swept(),
    )  # fmt: skip
    await alerts.run(free_alerts, NOW)
    of_open = CASES.c.number.in_(select(ALERTS.c.case_number).where(ALERTS.c.ended_at.is_(None)))
    assert not any(await alerts.run(lambda found: found.scalars(select(CASES.c.closed_at).where(of_open)).all()))


async def test_many_processes_at_once_open_one_case(alerts: Ledger, ledger_url: str) -> None:
    others = [open_ledger(ledger_url) for _ in range(4)]
    try:
        await asyncio.gather(
            *(
                ledger.run(take_in, CITY, [reading(f"P-{(n * step) % 60}", value=70) for n in range(60)], NOW)
                for ledger in others
                for step in (1, 7, 59)
            )
        )
    finally:
        for ledger in others:
            await ledger.close()
    assert await how_many(alerts) == 60
    assert len(await cases(alerts)) == 1


async def test_an_alert_that_joins_a_case_in_the_moment_it_closes_is_freed_by_the_sweep(
    alerts: Ledger, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ledger_url.startswith("sqlite"):
        pytest.skip("has one writer at a time")
    await take(alerts, reading(value=70))
    [first] = await cases(alerts)
    loop, find = asyncio.get_running_loop(), alert_cases._of_its_like

    def found_as_it_closes(*given: Any) -> str | None:
        found = find(*given)
        asyncio.run_coroutine_threadsafe(close(alerts, first.number), loop).result(20)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(alert_cases, "_of_its_like", found_as_it_closes)
        [joined] = await take(alerts, reading("P-2", value=70))
    assert (joined.case, joined.opened) == (first.number, False)
    await alerts.run(free_alerts, NOW)
    await alerts.run(house_alerts, CITY, NOW)
    [_, second] = await cases(alerts)
    assert await how_many(alerts, ALERTS.c.asset == "P-2", ALERTS.c.case_number == second.number) == 1
