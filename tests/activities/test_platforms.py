"""The platforms that all cases share: one that hangs or is down harms nobody else, and people hear of it once."""

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.platforms import MOST, SHARED_SLOTS, Platform
from domain.systems import SURE_FAILURES

ANSWER = {"id": "7"}


async def answer() -> dict[str, Any]:
    return ANSWER


async def fail() -> dict[str, Any]:
    raise ApplicationError("HTTP 503 at it", type="http_503", next_retry_delay=timedelta(seconds=9))


async def refuse() -> dict[str, Any]:
    raise ApplicationError("HTTP 422 at it", type="http_422", non_retryable=True)


async def failed(platform: Platform) -> ApplicationError:
    with pytest.raises(ApplicationError) as error:
        await platform.tell(fail)
    return error.value


async def test_one_that_hangs_holds_no_more_slots_than_it_may() -> None:
    answers = asyncio.Event()
    platform = Platform("grid platform", most=2)

    async def hang() -> dict[str, Any]:
        await answers.wait()
        return ANSWER

    async with asyncio.TaskGroup() as group:
        held = [group.create_task(platform.tell(hang)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ApplicationError) as refused:
            await platform.tell(hang)
        assert (refused.value.type, refused.value.non_retryable) == ("busy", False)
        answers.set()
    assert [task.result() for task in held] == [ANSWER] * 2
    assert await platform.tell(hang) == ANSWER


async def test_a_slot_is_given_back_whatever_happens() -> None:
    platform = Platform("SMS gateway", most=1)

    async def break_down() -> dict[str, Any]:
        raise ValueError("unforeseen")

    for _ in range(2):
        with pytest.raises(ValueError, match="unforeseen"):
            await platform.tell(break_down)


def test_two_that_hang_leave_slots_to_the_others() -> None:
    assert SHARED_SLOTS - 2 * MOST >= 20


async def test_a_failure_is_tried_again_when_the_platform_said_and_is_no_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = await failed(Platform("SMS gateway"))
    assert (error.type, error.next_retry_delay) == ("http_503", timedelta(seconds=9))
    assert error.category is ApplicationErrorCategory.BENIGN
    assert not caplog.records


async def test_one_that_stays_down_is_reported_once_and_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "jiesu.systems")
    platform = Platform("SMS gateway")
    for _ in range(3 * SURE_FAILURES):
        await failed(platform)
    [line] = caplog.messages
    assert line.startswith("the SMS gateway is down since ")
    assert line.endswith(": HTTP 503 at it")
    assert await platform.tell(answer) == ANSWER
    await platform.tell(answer)
    assert caplog.messages[1:] == ["the SMS gateway is back"]


async def test_one_that_refuses_a_message_is_not_down(caplog: pytest.LogCaptureFixture) -> None:
    platform = Platform("SMS gateway")
    for turn in range(3 * SURE_FAILURES):
        with pytest.raises(ApplicationError):
            await platform.tell(fail if turn % 2 else refuse)
    assert not caplog.records
