"""Looking after cases from outside: what a crash left unstarted is started, a changed calendar reaches open cases."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from domain.calendar import load_calendar
from domain.roles import Role
from domain.rulebook import ClockName
from ledger.intake import Intake, open_case
from settings import ROOT
from temporal.upkeep import Sweeper, apply_calendar
from tests.workflows.hotline import PERSONAL, Hotline, eventually, kinds


async def accepted_only(hotline: Hotline, ago: timedelta) -> str:
    """A request that was written down by an API that died before it started the case."""
    personal: dict[str, Any] = dict(PERSONAL)
    intake = Intake(
        received_at=datetime.now(UTC) - ago, channel="phone", category="help", opened_role=Role.AGENT,
        opened_id="agent-1", rulebook_version="1", **personal,
    )  # fmt: skip
    day = date.fromordinal(730_000 + int(ago.total_seconds()))
    row, _ = await hotline.ledger.run(open_case, "SW", intake, day)
    return row.number


async def test_a_case_left_unstarted_is_started_once_and_its_clock_runs_from_the_receipt(hotline: Hotline) -> None:
    left = await accepted_only(hotline, timedelta(minutes=5))
    young = await accepted_only(hotline, timedelta(seconds=1))
    sweeper = Sweeper(hotline.server.client, hotline.ledger, hotline.city, hotline.task_queue)
    assert await sweeper.sweep() == 1

    await eventually(lambda: _started(hotline, left))
    assert await sweeper.sweep() == 0
    assert kinds(await hotline.events(left)) == ["received"]
    row = await hotline.row(left)
    assert row.due is not None
    assert row.due_clock == ClockName.DISPATCH
    assert not (await hotline.row(young)).started


async def test_a_case_whose_number_is_anothers_is_reported_once_and_holds_up_no_other(
    hotline: Hotline, caplog: pytest.LogCaptureFixture
) -> None:
    ago = timedelta(minutes=7)
    number = await accepted_only(hotline, ago)
    client, queue = hotline.server.client, hotline.task_queue
    await client.start_workflow("Another", id=number, task_queue="nobody's")
    other = await accepted_only(hotline, timedelta(minutes=8))
    sweeper = Sweeper(client, hotline.ledger, hotline.city, queue)
    assert await sweeper.sweep() == 1
    await eventually(lambda: _started(hotline, other))
    assert await sweeper.sweep() == 0
    assert caplog.text.count(f"case {number} cannot start") == 1
    await client.get_workflow_handle(number).terminate()


async def test_a_case_that_cannot_be_read_holds_up_no_other(hotline: Hotline, caplog: pytest.LogCaptureFixture) -> None:
    spoilt = await accepted_only(hotline, timedelta(minutes=9))
    async with hotline.ledger.session() as session:
        await session.execute(text("UPDATE cases SET marks = 'nonsense' WHERE number = :n"), {"n": spoilt})
    other = await accepted_only(hotline, timedelta(minutes=10))
    sweeper = Sweeper(hotline.server.client, hotline.ledger, hotline.city, hotline.task_queue)
    for _ in range(2):
        await sweeper.sweep_if_possible()
    await eventually(lambda: _started(hotline, other))
    assert caplog.text.count(f"case {spoilt} holds what cannot be read") == 1
    assert await apply_calendar(hotline.server.client, hotline.ledger, hotline.city) == (1, 1)


async def test_what_fails_at_a_turn_keeps_nothing_else_from_being_done(
    hotline: Hotline, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    async def fail() -> None:
        raise ValueError("words of somebody")

    async def do() -> None:
        done.append("done")

    then = {"texts": fail, "alerts": do}
    sweeper = Sweeper(hotline.server.client, hotline.ledger, hotline.city, hotline.task_queue, then)
    await sweeper.sweep_if_possible()
    assert done == ["done"]
    assert [message for message in caplog.messages if "put off" in message] == ["texts put off: ValueError"]


async def _started(hotline: Hotline, number: str) -> bool:
    return (await hotline.row(number)).started


async def test_a_case_that_does_not_answer_is_not_reached_by_a_calendar(
    hotline: Hotline, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = await replace(hotline, task_queue="nobody's").receive()
    monkeypatch.setattr("temporal.upkeep.PATIENCE", timedelta(seconds=0.2))
    assert await apply_calendar(hotline.server.client, hotline.ledger, hotline.city) == (0, 1)
    await hotline.case(silent).terminate()


async def test_a_day_off_that_is_announced_moves_the_deadlines_of_open_cases_and_says_why(
    hotline: Hotline, tmp_path: Path
) -> None:
    number = await hotline.receive()
    closed = await hotline.receive()
    await hotline.take(closed, "withdraw")
    await hotline.closed(closed)
    before = (await hotline.row(number)).due
    assert before is not None
    off = (before - timedelta(hours=12)).date()
    overrides = tmp_path / "calendar.toml"
    overrides.write_text(
        (ROOT / "cities/zhengzhou/calendar.toml").read_text()
        + f'\n[[day]]\ndate = {off}\nworking = false\nwhy = "全市停工"\nsource = "test"\n'
    )
    changed = hotline.city.model_copy(update={"calendar": load_calendar(overrides)})
    for _ in range(2):
        assert await apply_calendar(hotline.server.client, hotline.ledger, changed) == (1, 0)
    after = (await hotline.row(number)).due
    assert after is not None
    assert after > before
    assert kinds(await hotline.events(number)) == ["received", "calendar_changed", "deadline_moved"]
    [moved] = [event for event in await hotline.events(number) if event.kind == "deadline_moved"]
    assert "全市停工" in moved.facts["why"]
