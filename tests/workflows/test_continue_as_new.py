"""A case so long that its history is continued in a new run: nobody notices."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from temporalio.client import WorkflowHistory
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from domain.city import City
from ledger.database import Ledger
from temporal import search_attributes
from tests.keys import CONVERTER
from tests.workflows.conftest import GUARDED
from tests.workflows.hotline import Hotline, Street, eventually, kinds, of_type, rungs
from tests.workflows.test_deadlines import punctual
from tests.workflows.test_web_page import page

SHORT = ["frontend.WorkflowTimeSkippingEnabled=true", "limit.historyCount.suggestContinueAsNew=40"]


@pytest.fixture
async def forgetful(street: Street, city: City, ledger: Ledger, temporal_server: str) -> AsyncIterator[Hotline]:
    """An engine whose server suggests a new run after 40 events instead of thousands."""
    async with AsyncExitStack() as stack:
        server = await WorkflowEnvironment.start_time_skipping_v2(
            ts_config=TimeSkippingConfig(enabled=False),
            data_converter=CONVERTER,
            dev_server_existing_path=temporal_server,
            dev_server_log_level="error",
            dev_server_extra_args=[word for value in SHORT for word in ("--dynamic-config-value", value)],
        )
        await stack.enter_async_context(server)
        await search_attributes.ensure(server.client)
        yield await Hotline.open(stack, server, city, ledger, runner=GUARDED)


BEGUN = 5
"""Events of a run that has begun and waits: its start, a workflow task, a timer."""


async def runs(hotline: Hotline, number: str) -> list[WorkflowHistory]:
    """The histories of all runs of a case, first to last."""
    histories = []
    run = (await hotline.case(number).describe()).raw_description.workflow_execution_info.first_run_id
    while run:
        handle = hotline.server.client.get_workflow_handle(number, run_id=run)
        histories.append(await handle.fetch_history())
        last = histories[-1].events[-1]
        run = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return histories


async def at_rest(hotline: Hotline, number: str) -> bool:
    """Whether nothing happens to a case for a moment: its run has begun, and its timer runs."""
    handle = hotline.case(number)
    before = await handle.describe()
    await asyncio.sleep(0.5)
    after = await handle.describe()
    busy = after.raw_description.pending_activities or after.raw_description.HasField("pending_workflow_task")
    return (
        not busy
        and after.history_length >= BEGUN
        and (before.run_id, before.history_length) == (after.run_id, after.history_length)
    )


async def test_a_long_case_goes_on_in_new_runs(forgetful: Hotline) -> None:
    number = await forgetful.receive("complaint", outage=True)
    first = await forgetful.take(number, "dispatch", key="first", lead="zz-water")
    await forgetful.take(number, "sign-in")
    await forgetful.take(number, "give-opinion")
    # Steps as fast as they go, and steps as the case comes to rest: none may fall between two runs.
    for pause in (0.0, 0.02, 0.05, 0.1, 0.2) * 2:
        await asyncio.gather(forgetful.take(number, "hurry"), forgetful.take(number, "supplement"))
        await asyncio.sleep(pause)

    async def continued() -> bool:
        return len(await runs(forgetful, number)) > 1

    await eventually(continued)
    # The server lets a run that follows a very short one wait a second for its first task; winding would jump over it.
    await eventually(lambda: at_rest(forgetful, number))
    due = (await forgetful.row(number)).due
    assert due is not None
    await forgetful.until(number, due + timedelta(days=2))
    events = await forgetful.events(number)
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    assert kinds(events).count("hurried") == kinds(events).count("supplemented") == 10
    assert rungs(events) == ["red", "supervision_order", "progress_missed"] + ["red", "supervision_order"] * 2
    assert punctual(events)

    # The new run knows what the old one answered, and what a person reads of the case.
    assert await forgetful.take(number, "dispatch", key="first", lead="zz-water") == first
    lines = await page(forgetful, number)
    assert lines.count("催办") == 10
    assert lines.count("签收") >= 1
    await forgetful.take(number, "withdraw")
    await forgetful.closed(number)
    histories = await runs(forgetful, number)
    assert len(histories) > 2
    assert all(len(of_type(history, "WORKFLOW_TASK_FAILED")) == 0 for history in histories)
