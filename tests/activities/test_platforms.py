"""The platforms that all cases share: one that hangs or is down harms nobody else, and it is noted that it failed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.platforms import MOST, SHARED_SLOTS, Platform

ANSWER = {"id": "7"}


async def answer() -> dict[str, Any]:
    return ANSWER


async def fail() -> dict[str, Any]:
    raise ApplicationError("HTTP 503 at it", type="http_503", next_retry_delay=timedelta(seconds=9))


async def refuse() -> dict[str, Any]:
    raise ApplicationError("HTTP 422 at it", type="http_422", non_retryable=True)


class Notebook:
    """Keeps which failures are noted."""

    def __init__(self) -> None:
        self.failures: list[tuple[str, str]] = []

    async def note_failure(self, system: str, error: str) -> None:
        self.failures.append((system, error))


async def test_one_that_hangs_holds_no_more_slots_than_it_may() -> None:
    answers = asyncio.Event()
    platform = Platform("grid-platform", Notebook(), most=2)

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
    platform = Platform("sms-gateway", Notebook(), most=1)

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
    notes = Notebook()
    with pytest.raises(ApplicationError) as error:
        await Platform("sms-gateway", notes).tell(fail)
    assert (error.value.type, error.value.next_retry_delay) == ("http_503", timedelta(seconds=9))
    assert error.value.category is ApplicationErrorCategory.BENIGN
    assert notes.failures == [("sms-gateway", "http_503")]
    assert not caplog.records


async def test_of_tries_that_fail_together_one_is_noted() -> None:
    notes = Notebook()
    platform, gone = Platform("sms-gateway", notes), asyncio.Event()

    async def hang() -> dict[str, Any]:
        await gone.wait()
        return await fail()

    tries = [asyncio.create_task(platform.tell(hang)) for _ in range(9)]
    await asyncio.sleep(0)
    gone.set()
    await asyncio.gather(*tries, return_exceptions=True)
    assert len(notes.failures) == 1
    await asyncio.gather(platform.tell(fail), return_exceptions=True)
    assert len(notes.failures) == 2


async def test_one_that_refuses_a_message_is_not_down() -> None:
    notes = Notebook()
    with pytest.raises(ApplicationError) as refused:
        await Platform("sms-gateway", notes).tell(refuse)
    assert refused.value.non_retryable
    assert notes.failures == []
