"""A gateway that is down is noted for all workers, by day and in the morning round, until a text is taken again."""

import logging
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.sms.port import BAD_NUMBER
from ledger.systems import known_systems
from tests.activities.sms.desk import MORNING, NOON, OTHER_PHONE, Desk


async def is_down(desk: Desk) -> bool:
    await desk.watch.report()
    return bool(await desk.ledger.run(known_systems, down=True))


async def test_a_gateway_that_is_down_is_reported_once_and_once_that_it_is_back(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "jiesu.systems")
    number = await desk.case()
    desk.through("http_503", "http_503")
    for minute in range(2):
        desk.set_clock(NOON + timedelta(minutes=minute))
        with pytest.raises(ApplicationError):
            await desk.text(number)
    assert await is_down(desk)
    assert await is_down(desk)
    desk.set_clock(NOON + timedelta(minutes=2))
    await desk.text(await desk.case(OTHER_PHONE))
    assert not await is_down(desk)
    assert caplog.messages == [
        "system sms-gateway is down since 2026-11-22 04:00:00 UTC (http_503); messages waiting: 1",
        "system sms-gateway is back; it was down since 2026-11-22 04:00:00 UTC",
    ]


async def test_the_morning_round_finds_it_down_and_back_too(desk: Desk) -> None:
    await desk.text_at_night(await desk.case())
    assert not await is_down(desk)
    desk.through("unreachable")
    await desk.round()
    assert await is_down(desk)
    desk.set_clock(MORNING + timedelta(hours=1))
    assert await desk.round() == 1
    assert not await is_down(desk)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_a_gateway_that_takes_no_such_number_is_not_down(desk: Desk) -> None:
    desk.through(BAD_NUMBER)
    with pytest.raises(ApplicationError):
        await desk.text(await desk.case())
    assert await desk.ledger.run(known_systems) == []
