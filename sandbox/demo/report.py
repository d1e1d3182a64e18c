"""What the demonstration prints: progress while it runs, then each case from start to end."""

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from domain.city import City
from domain.deadlines import show
from domain.rulebook import Action
from domain.words import ACTION, CLOCK
from sandbox.demo.story import Told

MEASURES = {action.value: label for action, label in ACTION.items()}
CLOCKS = {clock.value: label for clock, label in CLOCK.items()}


def late(seconds: int | None) -> str:
    """How late something was, in the largest units that say it well."""
    if seconds is None:
        return ""
    days, hours, minutes = seconds // 86400, seconds % 86400 // 3600, seconds % 3600 // 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours or minutes else f"{seconds} s"


def print_case(console: Console, told: Told, city: City, web_ui: str) -> None:
    """One case: its timeline, the texts sent, the measures raised, and where to look at it."""
    console.rule(f"[bold]{told.number}  {told.story.title}[/bold]", align="left")
    console.print(f"[dim]{told.story.shows}[/dim]")
    if told.timeline:
        console.print(_timeline(told.timeline["events"], city))
        for message in told.timeline["messages"]:
            if message["party"] == "citizen":
                console.print(f"  text  {message['text']}", soft_wrap=True)
        for measure in told.timeline["measures"]:
            console.print(f"  [red]measure[/red]  {_measure(measure, city)}", soft_wrap=True)
    console.print(f"  {web_ui}/namespaces/default/workflows/{told.number}", soft_wrap=True)
    for fault in told.faults:
        console.print(f"  [bold red]NOT AS EXPECTED[/bold red]  {fault}", soft_wrap=True, markup=True)
    console.print()


def _timeline(events: list[dict[str, Any]], city: City) -> Table:
    table = Table(
        "#", "done", "what", "by", "unit", "limit", "due", "late", box=None, pad_edge=False, header_style="dim"
    )
    for event in events:
        unit = city.units.get(event["unit"] or "")
        table.add_row(
            str(event["n"]),
            _local(event["at"], city),
            event["what"],
            event["by"],
            unit.name if unit else "",
            CLOCKS.get(event["clock"] or "", ""),
            _local(event["due"], city) + ("*" if event["provisional"] else ""),
            f"[red]{late(event['late_seconds'])}[/red]",
        )
    return table


def _measure(measure: dict[str, Any], city: City) -> str:
    unit = city.units.get(measure["unit"] or "")
    situation = city.rulebook.situations.get(measure["situation"] or "")
    parts = [
        _local(measure["at"], city),
        MEASURES[measure["action"]],
        unit.name if unit else "热线",
        *([situation.name] if situation else []),
    ]
    return "  ".join(parts)


def _local(instant: str | None, city: City) -> str:
    return show(datetime.fromisoformat(instant), city.rulebook.days) if instant else ""


def print_summary(console: Console, all_told: list[Told], seconds: float) -> None:
    """How many cases ended as they must, what was raised, and how long it took."""
    good = sum(not told.faults for told in all_told)
    measures = [measure for told in all_told if told.timeline for measure in told.timeline["measures"]]
    referrals = sum(measure["action"] == Action.DISCIPLINE_REFERRAL for measure in measures)
    orders = sum(measure["action"] == Action.SUPERVISION_ORDER for measure in measures)
    texts = sum(m["party"] == "citizen" for told in all_told if told.timeline for m in told.timeline["messages"])
    style = "green" if good == len(all_told) else "red"
    console.print(
        f"[bold {style}]{good} of {len(all_told)} cases ended as expected[/bold {style}] in {seconds:.0f} s: "
        f"{texts} texts, {orders} supervision orders, {len(measures)} measures in all, "
        f"{referrals} referrals to discipline inspection.  (* provisional: past the official calendar)",
        soft_wrap=True,
    )
