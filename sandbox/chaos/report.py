"""What is printed at the end of a run."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from sandbox.chaos.findings import Findings
from sandbox.chaos.killer import VICTIMS, Kill
from sandbox.chaos.record import Record

MOST = 50
"""How many faults are printed."""


def print_report(
    console: Console, record: Record, findings: Findings, kills: Sequence[Kill], seed: int, seconds: float
) -> None:
    """What was done, what was found, and every fault."""
    console.print()
    for victim in VICTIMS:
        took = [kill.took for kill in kills if kill.victim == victim and kill.took is not None]
        if took:
            console.print(f"{len(took):>7}  kills of {victim}, ready again in {min(took):.1f} to {max(took):.1f} s")
    for status, times in sorted(record.statuses.items()):
        console.print(f"{times:>7}  answers {status}")
    for what, count in findings.counts.items():
        console.print(f"{count:>7}  {what}")
    console.print(f"{findings.late.total_seconds():>7.1f}  seconds at most from a rung's instant to its firing")
    console.print()
    for fault in findings.faults[:MOST]:
        console.print(f"[red]FAULT[/red]  {escape(fault)}", soft_wrap=True)
    if findings.faults:
        console.print(f"[bold red]{len(findings.faults)} faults[/bold red] in {seconds:.0f} s; --seed {seed}")
    else:
        console.print(f"[bold green]nothing lost, nothing twice[/bold green] in {seconds:.0f} s; --seed {seed}")
