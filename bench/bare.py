"""A bare workflow to measure against: as many updates, activities and timers as a case, with nothing behind them."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import uvloop
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from temporal.connection import connect

TASK_QUEUE = "bare"
STEPS = ("dispatch", "sign-in", "submit-result", "call-back")
TOLD = {"dispatch": 2, "submit-result": 1}
"""How many are told after a step."""


@activity.defn
async def tell(step: str) -> None:
    """Does nothing."""


@workflow.defn(name="Bare")
class BareWorkflow:
    """Takes the four steps of an ordinary case and does nothing with them."""

    def __init__(self) -> None:
        self._taken: list[str] = []
        self._told = 0

    @workflow.run
    async def run(self, timers: int) -> int:
        """`timers` are started and cancelled besides the one for the next deadline, to come to a wanted length."""
        extra = [asyncio.create_task(workflow.sleep(timedelta(days=30))) for _ in range(timers)]
        telling = [asyncio.create_task(self._tell("received"))]
        for taken, step in enumerate(STEPS, start=1):
            await self._wait_for(taken)
            telling += [asyncio.create_task(self._tell(step)) for _ in range(TOLD.get(step, 0))]
        await asyncio.gather(*telling)
        for timer in extra:
            timer.cancel()
        return self._told

    async def _wait_for(self, taken: int) -> None:
        with suppress(asyncio.TimeoutError):
            await workflow.wait_condition(lambda: len(self._taken) >= taken, timeout=timedelta(days=4))

    @workflow.update
    def take(self, step: str) -> int:
        """Take a step."""
        self._taken.append(step)
        return len(self._taken)

    async def _tell(self, step: str) -> None:
        await workflow.execute_activity(tell, step, start_to_close_timeout=timedelta(seconds=30))
        self._told += 1


async def serve() -> None:
    """Run the worker until it is ended."""
    worker = Worker(
        await connect(),
        task_queue=TASK_QUEUE,
        workflows=[BareWorkflow],
        activities=[tell],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await worker.run()


if __name__ == "__main__":
    uvloop.run(serve())
