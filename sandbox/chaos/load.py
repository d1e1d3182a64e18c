"""The load: which requests come in and what people do about them, all of it from one seed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from sandbox.demo.driver import Case, Driver
from sandbox.demo.stories import STORIES
from sandbox.demo.story import Script, Story

LEADS = ("zz-water", "zz-heat", "zz-power", "zz-yuanlin", "zz-shizheng")

Play = Callable[[Driver, Case, Random], Awaitable[None]]


@dataclass(frozen=True)
class Planned:
    """One case of the load. Its phone is nobody else's, so that its texts can be told from all others."""

    title: str
    role: str
    request: dict[str, Any]
    script: Script


def plan(seed: int, cases: int) -> list[Planned]:
    """The cases of a load, in the order in which they come in: every kind once, then as chance has it."""
    dice = Random(seed)  # noqa: S311
    kinds = [*(partial(_told, story) for story in STORIES), *(partial(_ours, play) for play in OURS)]
    drawn = dice.sample(kinds, len(kinds)) + dice.choices(kinds, k=max(0, cases - len(kinds)))
    return [kind(f"139{number:08d}", Random(dice.random())) for number, kind in enumerate(drawn[:cases])]  # noqa: S311


def _told(story: Story, phone: str, _: Random) -> Planned:
    """A story of the demonstration."""
    return Planned(story.title, story.role, {**story.request, "phone": phone}, story.script)


def _ours(play: Play, phone: str, dice: Random) -> Planned:
    request = {
        "channel": dice.choice(("phone", "wechat", "app", "web", "province")),
        "phone": phone,
        "text": f"演练诉求：{OURS[play]}。",
        "category": dice.choice(("consultation", "help", "complaint")),
        "outage": play is _outage_unattended,
    }
    return Planned(OURS[play], "agent", request, partial(_play, play, dice))


async def _play(play: Play, dice: Random, city: Driver, case: Case) -> None:
    await play(city, case, dice)


async def _with_unit(city: Driver, case: Case, dice: Random) -> str:
    """Dispatched and signed in; returns the unit."""
    lead = dice.choice(LEADS)
    await city.dispatch(case, lead=lead, assisting=[])
    await city.unit(case, lead, "sign-in")
    return lead


async def _undispatched(city: Driver, case: Case, dice: Random) -> None:
    await city.wait(case, days=dice.randint(5, 15))


async def _unsigned(city: Driver, case: Case, dice: Random) -> None:
    await city.dispatch(case, lead=dice.choice(LEADS), assisting=[])
    await city.wait(case, days=dice.randint(3, 20))


async def _unfinished(city: Driver, case: Case, dice: Random) -> None:
    await _with_unit(city, case, dice)
    await city.wait(case, days=dice.randint(10, 50))


async def _outage_unattended(city: Driver, case: Case, dice: Random) -> None:
    await _with_unit(city, case, dice)
    await city.wait(case, days=dice.randint(1, 5))


async def _extension_refused(city: Driver, case: Case, dice: Random) -> None:
    unit = await _with_unit(city, case, dice)
    await city.unit(case, unit, "request-extension", text="需更换设备，请求延期。")
    await city.wait(case, days=dice.randint(1, 20))
    await city.step(case, "dispatcher", "decide-extension", granted=False, text="不属于情况复杂，不予延期。")
    await city.wait(case, days=dice.randint(1, 20))


async def _pressed(city: Driver, case: Case, dice: Random) -> None:
    unit = await _with_unit(city, case, dice)
    for number in range(dice.randint(2, 5)):
        await city.step(case, "agent", dice.choice(("hurry", "supplement")), text=f"诉求人第{number + 1}次来电。")
        await city.wait(case, hours=dice.randint(1, 30))
    await city.unit(case, unit, "submit-result", text="已办理。")
    await city.wait(case, hours=dice.randint(1, 200))
    await city.step(case, "callback", "call-back", reached=True, rating=4, solved=True, contacted=True)


async def _decided(city: Driver, case: Case, dice: Random) -> None:
    await _with_unit(city, case, dice)
    await city.wait(case, days=dice.randint(1, 12))
    await city.step(case, "supervisor", "close", text="诉求人已另行解决，核准办结。")


async def _emergency(city: Driver, case: Case, dice: Random) -> None:
    await city.step(case, "agent", "transfer", to="110")
    if dice.random() < 1 / 2:
        await city.step(case, "dispatcher", "refuse-transfer", text="不属警务警情。")
        await city.step(case, "agent", "transfer", to="12315")
    await city.step(case, "agent", "acknowledge-transfer")


OURS: dict[Play, str] = {
    _undispatched: "无人派单",
    _unsigned: "无人签收",
    _unfinished: "逾期未办结",
    _outage_unattended: "停水无人反馈进度",
    _extension_refused: "延期未获同意",
    _pressed: "反复催办",
    _decided: "核准办结",
    _emergency: "转接紧急热线",
}
"""Requests besides those of the demonstration; several are left alone until their ladders are climbed."""
