"""A bare workflow to measure against: as many updates, activities and timers as a case, with nothing behind them."""

import asyncio
from datetime import timedelta

import uvloop
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from settings import read_settings
from temporal.connection import connect
from temporal.keyring import open_keyring

TASK_QUEUE = "bare"
STEPS = ("dispatch", "sign-in", "submit-result", "call-back")


@activity.defn
async def tell(step: str) -> None:
    """Does nothing."""


@workflow.defn(name="Bare")
class BareWorkflow:
    """Takes the four steps of an ordinary case and does nothing with them."""

    def __init__(self) -> None:
        self._taken: list[str] = []

    @workflow.run
    async def run(self, timers: int) -> int:
        """An activity at the start and after every step; `timers` wait beside it, to come to a wanted length."""
        waiting = [asyncio.create_task(workflow.sleep(timedelta(days=30))) for _ in range(timers)]
        await self._tell("received")
        for count, step in enumerate(STEPS, start=1):
            await self._wait_for(count)
            await self._tell(step)
        for timer in waiting:
            timer.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return len(self._taken)

    async def _wait_for(self, count: int) -> None:
        await workflow.wait_condition(lambda: len(self._taken) >= count)

    @workflow.update
    def take(self, step: str) -> int:
        """Take a step."""
        self._taken.append(step)
        return len(self._taken)

    async def _tell(self, step: str) -> None:
        await workflow.execute_activity(tell, step, start_to_close_timeout=timedelta(seconds=30))


async def serve() -> None:
    """Run the worker until it is ended."""
    worker = Worker(
        await connect(open_keyring(read_settings())),
        task_queue=TASK_QUEUE,
        workflows=[BareWorkflow],
        activities=[tell],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await worker.run()


if __name__ == "__main__":
    uvloop.run(serve())
