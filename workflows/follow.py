"""Following an order at a unit that does not report by itself: one activity, tried until there is no more to see."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from domain.effects import ELSEWHERE, FOLLOW_ORDER
    from workflows.names import FOLLOW, Followed

ONE_LOOK = timedelta(seconds=60)
PAUSE = timedelta(seconds=10)
"""After a look that died; every other says by itself when the next is due."""
UNATTENDED = timedelta(hours=1)
"""How long a look may lie on the system's own queue before we ask on which it is due now."""


@workflow.defn(name=FOLLOW)
class FollowWorkflow:
    """One order, from its filing to its end. Each look is a retry, which adds nothing to the history, however many."""

    @workflow.run
    async def run(self, followed: Followed) -> None:
        """Look again and again, on the queue of the unit's system; where nobody attends to it, ours names another."""
        queue: str | None = followed.queue
        while True:
            try:
                await self._look(followed, queue)
                return
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                queue = _queue_named(error)

    async def _look(self, followed: Followed, queue: str | None) -> None:
        await workflow.execute_activity(
            FOLLOW_ORDER,
            followed.order,
            task_queue=queue,
            schedule_to_start_timeout=UNATTENDED if queue else None,
            start_to_close_timeout=ONE_LOOK,
            retry_policy=RetryPolicy(initial_interval=PAUSE, backoff_coefficient=1),
            summary="查询承办单位系统办理情况",
        )


def _queue_named(error: ActivityError) -> str | None:
    """The queue on which the next look is due; None, our own, where it has still to be asked."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.type == ELSEWHERE:
        return str(cause.details[0])
    return None
