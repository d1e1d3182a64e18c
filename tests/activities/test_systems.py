"""One system of units as a worker sees it: never knocked at too fast, too soon or, on the main queue, slowly."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities import systems
from activities.systems import System

PAUSE, LONGEST = 10.0, 40.0

Sent = Coroutine[Any, Any, dict[str, Any]]


async def taken() -> dict[str, Any]:
    return {"reference": "W-7"}


def failing(named: timedelta | None = None, *, final: bool = False) -> Callable[[], Sent]:
    async def send() -> dict[str, Any]:
        raise ApplicationError("", type="http_503", next_retry_delay=named, non_retryable=final)

    return send


class Noted(list[tuple[str, str]]):
    """Failures that were noted."""

    answers = 0
    believes = True

    async def note_failure(self, system: str, error: str) -> None:
        self.append((system, error))

    async def note_answer(self, system: str) -> bool:
        self.answers += 1
        return self.believes


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def water(noted: Noted) -> System:
    return System("water", "jiesu.water", 100, (PAUSE, LONGEST), noted)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock by which systems are given pauses."""
    present = [1000.0]
    monkeypatch.setattr(systems, "monotonic", lambda: present[0])

    def wind(seconds: float) -> None:
        present[0] += seconds

    return wind


async def pause_after(water: System, send: Callable[[], Sent]) -> float:
    """The pause that a failure brings, in seconds, without the jitter."""
    with pytest.raises(ApplicationError):
        await water.try_again(send)
    with pytest.raises(ApplicationError) as shut:
        water.check_open()
    assert shut.value.next_retry_delay is not None
    assert shut.value.type == "http_503"
    return shut.value.next_retry_delay.total_seconds()


async def test_pauses_grow_until_it_answers(water: System, noted: Noted, clock: Callable[[float], None]) -> None:
    for expected in (10, 20, 40, 40):
        assert expected <= await pause_after(water, failing()) <= expected * 1.1
        clock(expected)
        water.check_open()
    assert noted == [("water", "http_503")] * 4
    assert await water.try_again(taken) == {"reference": "W-7"}
    assert 10 <= await pause_after(water, failing()) <= 11


async def test_a_pause_that_it_names_is_kept_whatever_ours_would_be(
    water: System, clock: Callable[[float], None]
) -> None:
    assert 3 <= await pause_after(water, failing(timedelta(seconds=3))) <= 3.3
    clock(3)
    assert 86400 <= await pause_after(water, failing(timedelta(days=1))) <= 86400 * 1.1


async def test_a_refusal_says_that_it_works(water: System, noted: Noted) -> None:
    with pytest.raises(ApplicationError) as refused:
        await water.try_again(failing(final=True))
    assert refused.value.non_retryable
    water.check_open()
    assert noted == []


async def test_what_was_under_way_when_it_failed_tells_nothing_new(
    water: System, noted: Noted, clock: Callable[[float], None]
) -> None:
    go = asyncio.Event()

    def late(send: Callable[[], Sent]) -> Callable[[], Sent]:
        async def wait() -> dict[str, Any]:
            await go.wait()
            return await send()

        return wait

    under_way = [asyncio.create_task(water.try_again(late(send))) for send in (taken, failing())]
    await asyncio.sleep(0)
    clock(1)
    await pause_after(water, failing())
    go.set()
    await asyncio.gather(*under_way, return_exceptions=True)
    assert noted == [("water", "http_503")]
    with pytest.raises(ApplicationError):
        water.check_open()


async def test_a_first_try_is_left_to_its_own_queue_until_it_answers_again(
    water: System, clock: Callable[[float], None]
) -> None:
    assert await water.try_first(taken) == {"reference": "W-7"}
    await pause_after(water, failing())
    clock(PAUSE)
    with pytest.raises(ApplicationError) as put_off:
        await water.try_first(taken)
    assert (put_off.value.type, put_off.value.non_retryable) == ("http_503", False)
    await water.try_again(taken)
    assert await water.try_first(taken) == {"reference": "W-7"}


async def test_a_first_try_takes_no_longer_than_it_may(
    water: System, noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systems, "QUICK", 0.05)

    async def slow() -> dict[str, Any]:
        await asyncio.sleep(0.1)
        return {}

    with pytest.raises(ApplicationError) as late:
        await water.try_first(slow)
    assert late.value.type == "slow"
    # It is not down, and it is not told quickly as long as it answers slowly.
    water.check_open()
    assert noted == []
    await water.try_again(slow)
    with pytest.raises(ApplicationError):
        await water.try_first(taken)
    await water.try_again(taken)
    assert await water.try_first(taken) == {"reference": "W-7"}


@pytest.mark.parametrize(("rate", "at_once"), [(3, 3), (0.2, 1)])
async def test_first_tries_never_wait_for_its_rate(noted: Noted, rate: float, at_once: int) -> None:
    water = System("water", "jiesu.water", rate, (PAUSE, LONGEST), noted)
    for _ in range(at_once):
        await water.try_first(taken)
    with pytest.raises(ApplicationError) as busy:
        await asyncio.wait_for(water.try_first(taken), 0.05)
    assert busy.value.type == "busy"


async def test_no_more_first_tries_hold_slots_than_may(water: System) -> None:
    go = asyncio.Event()

    async def wait() -> dict[str, Any]:
        await go.wait()
        return {}

    tries = [asyncio.create_task(water.try_first(wait)) for _ in range(systems.FIRST_TRIES)]
    await asyncio.sleep(0)
    with pytest.raises(ApplicationError) as busy:
        await water.try_first(taken)
    assert busy.value.type == "busy"
    go.set()
    await asyncio.gather(*tries)


async def test_looks_leave_slots_for_what_it_is_to_be_told(water: System) -> None:
    go = asyncio.Event()

    async def wait() -> None:
        await go.wait()

    looks = [asyncio.create_task(water.look(wait)) for _ in range(systems.LOOKS)]
    await asyncio.sleep(0)
    with pytest.raises(ApplicationError) as busy:
        await water.look(wait)
    assert (busy.value.type, busy.value.non_retryable) == ("busy", False)
    assert await water.try_again(taken) == {"reference": "W-7"}
    go.set()
    await asyncio.gather(*looks)


async def test_a_look_that_fails_shuts_it_for_all(water: System, noted: Noted, clock: Callable[[float], None]) -> None:
    with pytest.raises(ApplicationError):
        await water.look(failing())
    assert noted == [("water", "http_503")]
    for knock in (water.look, water.try_first):
        with pytest.raises(ApplicationError) as shut:
            await knock(taken)
        assert shut.value.type == "http_503"
    clock(PAUSE * 1.1)
    await water.look(taken)


async def test_an_answer_is_noted_until_it_is_known_to_work(water: System, noted: Noted) -> None:
    noted.believes = False
    await water.try_again(taken)
    noted.believes = True
    await water.try_again(taken)
    await water.try_again(taken)
    assert noted.answers == 2
