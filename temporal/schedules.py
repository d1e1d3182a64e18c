"""The Schedule of the sweep, which looks after all cases."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
)

from workflows.names import SHIFT, SWEEP

CALL_TIMEOUT = timedelta(seconds=10)


def sweep_id(task_queue: str) -> str:
    """Id of the sweep's Schedule: each installation that shares a namespace has its own."""
    return f"{task_queue}-sweep"


async def ensure(client: Client, task_queue: str) -> None:
    """Have shifts of the sweep follow each other without a gap, starting now. Safe to repeat.

    Raises RPCError when the server refuses or does not answer.
    """
    schedule = _sweep(task_queue)
    try:
        await client.create_schedule(sweep_id(task_queue), schedule, trigger_immediately=True, rpc_timeout=CALL_TIMEOUT)
    except ScheduleAlreadyRunningError:
        known = client.get_schedule_handle(sweep_id(task_queue))
        await known.update(lambda _: ScheduleUpdate(schedule=schedule), rpc_timeout=CALL_TIMEOUT)


def _sweep(task_queue: str) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SWEEP, id=sweep_id(task_queue), task_queue=task_queue, static_summary="巡检：补启动已受理未开办的工单"
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=SHIFT)]),
        # A shift that ends a moment late must not cost the next one.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=SHIFT),
    )
