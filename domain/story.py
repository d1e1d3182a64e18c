"""A case as a person reads it in Chinese: what it is about, where it stands, what comes next, what has happened."""

from collections.abc import Callable
from typing import Any

from domain import words
from domain.case import Case, Opening
from domain.clock import Clock
from domain.deadlines import show
from domain.effects import Effect, Party
from domain.events import Deadline, Event, EventKind, Status
from domain.roles import Role
from domain.rulebook import Action, Rulebook

PARTY = {
    Party.UNIT: "通知承办单位",
    Party.GRID: "通知网格",
    Party.CITIZEN: "短信告知诉求人",
    Party.SUPERVISION: "督办",
    Party.DISCIPLINE: "推送纪检监察",
    Party.PARTNER: "通知联动平台",
}

TOLD = {
    "dispatch": "派单",
    "transfer": "转接",
    "rework": "退回重办",
    "recall": "撤回派单",
    "result": "办理结果",
    "extended": "延期说明",
    "suspended": "挂账说明",
    **{kind.value: label for kind, label in words.EVENT.items()},
    **{action.value: label for action, label in words.ACTION.items()},
}

TRANSFERS = frozenset(
    {
        EventKind.TRANSFERRED,
        EventKind.TRANSFER_REQUESTED,
        EventKind.TRANSFER_ACKNOWLEDGED,
        EventKind.TRANSFER_REFUSED,
    }
)


def title(opening: Opening, rules: Rulebook, item: str | None) -> str:
    """One line for lists of cases: number, category, catalog item by name and marks; never personal data."""
    marks = ["应急"] * opening.outage + ["省级派发"] * opening.province
    return " · ".join([opening.number, rules.categories[opening.category].name, *([item] if item else []), *marks])


def timer(deadline: Deadline, case: Case) -> str:
    """The name of the running timer: which limit, whose, when it ends, and what will be done at the timer's instant."""
    parts = [f"{words.CLOCK[deadline.clock]} {case.day(deadline.due)}"]
    if deadline.provisional:
        parts.append("(暂定)")
    if deadline.unit:
        parts.append(case.name_of(deadline.unit))
    if deadline.action and deadline.action is not Action.RED:
        parts.append(f"下一步 {case.day(deadline.at)} {words.ACTION[deadline.action]}")
    return " ".join(parts)


def effect(item: Effect, case: Case) -> str:
    """The name of an activity: whom it tells, and what."""
    told = item.unit or item.grid or item.partner
    whom = f" {case.name_of(told)}" if told else ""
    situation = case.rulebook.situations.get(item.kind)
    what = situation.name if situation else TOLD.get(item.kind, item.kind)
    return f"{PARTY[item.party]}{whom}：{what}"


def effects(items: list[Effect], case: Case) -> str:
    """The name of an activity that tells several parties at once."""
    return "；".join(effect(item, case) for item in items)


def line(event: Event, case: Case) -> str:
    """One event in one line: when, what, by which post if a person did it, with whom, and whether it was late."""
    rules = case.rulebook
    what = words.EVENT[event.kind]
    if event.kind is EventKind.ESCALATED and event.action:
        what = words.ACTION[event.action]
    who = "" if event.by.role is Role.SYSTEM else f"（{words.ROLE[event.by.role]}）"
    parts = [show(event.at, rules.days), f"{what}{who}"]
    if event.clock:
        parts.append(words.CLOCK[event.clock])
    if event.unit:
        parts.append(case.name_of(event.unit))
    parts += facts_in_words(event.kind, event.facts, rules, case.name_of)
    if event.due and event.kind is EventKind.ESCALATED:
        parts.append(f"应于 {show(event.due, rules.days)}")
    elif event.due:
        parts.append(f"{'逾期，' if event.late else ''}时限 {show(event.due, rules.days)}")
    return "，".join(parts)


def details(case: Case, lines: list[str], untold: list[Effect]) -> str:
    """The whole case in Markdown, for the engine's web page: standing, running limits, what has happened.

    `untold` is what somebody could not be told yet.
    """
    head = [f"## {case.number} · {words.STATUS[case.status]}"]
    if case.outcome:
        head.append(f"办理结果：**{words.OUTCOME[case.outcome]}**")
    name = case.rulebook.categories[case.category].name
    head.append(f"类别：{name}{'（应急）' if case.outage else ''}{'（省级派发）' if case.province else ''}")
    for part in case.assignments:
        signed = f"已签收 {case.day(part.signed_in_at)}" if part.signed_in_at else "未签收"
        head.append(f"{'主办' if part.lead else '协办'}：{case.name_of(part.unit)}（{signed}）")
    if case.at_grid:
        signed = f"已签收 {case.day(case.grid_signed_in_at)}" if case.grid_signed_in_at else "未签收"
        head.append(f"网格：{case.name_of(case.at_grid)}（{signed}）")
    if case.status is Status.TRANSFERRING and case.transfer:
        head.append(f"转接：{case.name_of(case.transfer.to)}（{case.day(case.transfer.at)} 发起，待对方确认）")
    if case.request:
        head.append(f"待审核：{words.REQUEST[case.request.kind]}（{case.day(case.request.at)} 提出）")
    if untold:
        head.append(f"未送达，正在重试：{effects(untold, case)}")
    if case.breaches:
        head.append("已超时：" + "、".join(words.CLOCK[clock] for clock in case.breaches))
    return "\n\n".join([*head, *_clocks(case), "### 办理经过", "\n".join(f"- {text}" for text in lines)])


def _clocks(case: Case) -> list[str]:
    if not case.clocks:
        return []
    rows = [_row(case, clock) for clock in sorted(case.clocks, key=lambda clock: clock.due)]
    return ["### 时限", "\n".join(["| 时限 | 责任方 | 到期 | 下一步 |", "|---|---|---|---|", *rows])]


def _row(case: Case, clock: Clock) -> str:
    rung = clock.next_rung(case.rulebook)
    cells = [
        words.CLOCK[clock.name],
        case.name_of(clock.unit),
        f"{case.day(clock.due)}{' (暂定)' if clock.provisional else ''}",
        f"{case.day(clock.next_at)} {words.ACTION[rung.action]}" if rung else "—",
    ]
    return f"| {' | '.join(cells)} |"


def facts_in_words(kind: EventKind, facts: dict[str, Any], rules: Rulebook, name_of: Callable[[str], str]) -> list[str]:
    """The facts of an event that people care for, each in a few words; `name_of` says what a unit is called."""
    texts = []
    if kind is EventKind.RECEIVED and facts.get("channel") == "sensor":
        texts.append(words.CHANNEL["sensor"])
    if ground := rules.grounds.get(facts.get("ground", "")):
        texts.append(ground.name)
    if situation := rules.situations.get(facts.get("situation", "")):
        texts.append(situation.name)
    if facts.get("rating"):
        texts.append(words.RATING[facts["rating"]])
    if "solved" in facts:
        texts.append("已解决" if facts["solved"] else "未解决")
    if facts.get("reached") is False:
        texts.append("未接通")
    if facts.get("assisting"):
        texts.append("协办 " + "、".join(name_of(unit) for unit in facts["assisting"]))
    if kind is EventKind.RESENT:
        texts.append("、".join(name_of(order["unit"]) for order in facts["orders"]))
    if kind is EventKind.GRID_ESCALATED:
        texts.append(f"转 {name_of(facts['to'])}")
    if kind in TRANSFERS:
        texts.append(name_of(facts["to"]))
        texts += [f"对方编号 {facts['number']}"] if "number" in facts else []
    if facts.get("photos"):
        texts.append(f"照片 {len(facts['photos'])} 张")
    if facts.get("now"):
        texts.append(f"新时限 {show(facts['now'], rules.days)}")
    if facts.get("error"):
        texts.append(f"{PARTY[Party(facts['party'])]} {facts['error']}")
    if kind is EventKind.CLOSED:
        texts.append(words.OUTCOME[facts["outcome"]])
        texts += ["无诉求人可回访"] if facts.get("nobody_to_call") else []
    return texts
