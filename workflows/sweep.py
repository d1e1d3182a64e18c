"""The sweep, shift by shift: a Temporal Schedule starts one, and each looks for cases that a crash left unstarted."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from workflows.names import KEEP_SWEEPING, SHIFT, SWEEP

HEARTBEAT = timedelta(seconds=30)
"""A sweeper not heard of for so long is dead, and another worker takes its place."""
LEEWAY = timedelta(minutes=5)


@workflow.defn(name=SWEEP)
class SweepWorkflow:
    """One shift: a single activity, so that a shift costs the engine a dozen events however often it looks."""

    @workflow.run
    async def run(self) -> None:
        """Have a worker sweep until the shift ends; when that worker ends or dies, another goes on."""
        await workflow.execute_activity(
            KEEP_SWEEPING,
            start_to_close_timeout=SHIFT + LEEWAY,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RetryPolicy(
                initial_interval=timedelta(seconds=1), backoff_coefficient=1, maximum_interval=timedelta(seconds=10)
            ),
            summary="补启动已受理未开办的工单",
        )
