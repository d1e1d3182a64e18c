"""An API that lacks the key with which its worker encrypts, as when only one of them was given a new one."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from temporalio.client import Client

from domain.city import load_city
from settings import Settings, SmsSettings
from temporal import search_attributes
from temporal.codec import converter
from temporal.keyring import Keyring, new_key, parse_keys
from tests.api.conftest import OpenSite, Site
from tests.keys import CODEC_KEYS
from worker import create_worker

AHEAD = Keyring(parse_keys(f"{new_key()} {CODEC_KEYS}", "worker"))


@pytest.fixture
async def behind(engine: str, site: Site, open_site: OpenSite, new_sqlite: Callable[[], str]) -> AsyncIterator[Site]:
    """A site whose worker has a newer key."""
    client = await Client.connect(engine, namespace="behind", data_converter=converter(AHEAD))
    await search_attributes.ensure(client)
    values = {"TEMPORAL_ADDRESS": engine, "TEMPORAL_NAMESPACE": "behind", "JIESU_TASK_QUEUE": "behind"}
    async with AsyncExitStack() as stack:
        opened: Site = await stack.enter_async_context(open_site(new_sqlite(), values))
        city = load_city(Settings().city_folder)
        worker = await create_worker(client, city, opened.ledger, "behind", stack, SmsSettings())
        await stack.enter_async_context(worker)
        yield opened


async def test_a_step_whose_answer_cannot_be_read_is_taken_and_may_be_repeated(behind: Site) -> None:
    number = await behind.receive()
    for _ in range(2):
        answer = await behind.step(number, "dispatch", "dispatcher", "once", lead="zz-water")
        assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
        assert answer.json()["idempotency_key"] == "once"
    assert (await behind.get(f"/cases/{number}"))["status"] == "dispatched"
