"""Following an order at a unit that does not report by itself: one activity, tried until there is no more to see."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from domain.effects import FOLLOW_ORDER
    from workflows.names import FOLLOW, Followed

ONE_LOOK = timedelta(seconds=60)
PAUSE = timedelta(seconds=10)
"""After a look that died; every other says by itself when the next is due."""
UNATTENDED = timedelta(hours=1)
"""How long a look may lie on the system's own queue: then the city may have no such system any more."""


@workflow.defn(name=FOLLOW)
class FollowWorkflow:
    """One order, from its filing to its end. Each look is a retry, which adds nothing to the history, however many."""

    @workflow.run
    async def run(self, followed: Followed) -> None:
        """Look again and again, on the queue of the unit's system or, if nobody attends to it, on our own."""
        try:
            await self._follow(followed, followed.queue)
        except ActivityError:
            await self._follow(followed, None)

    async def _follow(self, followed: Followed, queue: str | None) -> None:
        await workflow.execute_activity(
            FOLLOW_ORDER,
            followed.order,
            task_queue=queue,
            schedule_to_start_timeout=UNATTENDED if queue else None,
            start_to_close_timeout=ONE_LOOK,
            retry_policy=RetryPolicy(initial_interval=PAUSE, backoff_coefficient=1),
            summary="查询承办单位系统办理情况",
        )
