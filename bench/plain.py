"""A worker like ours but for the codec, to measure against: what it writes lies open in the engine."""

import os
from contextlib import AsyncExitStack

import uvloop
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.city import load_city
from ledger.database import open_ledger
from settings import SmsSettings, read_settings
from worker import create_worker

TASK_QUEUE = "plain"


async def connect_plainly(address: str) -> Client:
    """A client without a codec."""
    return await Client.connect(address, data_converter=pydantic_data_converter)


async def serve() -> None:
    """Run the worker until it is ended."""
    settings = read_settings()
    async with AsyncExitStack() as stack:
        client = await connect_plainly(os.environ["TEMPORAL_ADDRESS"])
        ledger = open_ledger(settings.ledger_url)
        stack.push_async_callback(ledger.close)
        city = load_city(settings.city_folder).at_any_hour()
        worker = await create_worker(client, city, ledger, TASK_QUEUE, stack, SmsSettings())
        await worker.run()


if __name__ == "__main__":
    uvloop.run(serve())
