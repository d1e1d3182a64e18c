"""An engine that outlived its ledger: a new request never ends in another one's case."""

from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import pytest

from temporal.keyring import new_key
from tests.keys import CODEC_KEYS

if TYPE_CHECKING:
    from tests.api.conftest import OpenSite, Site


@pytest.fixture(params=[CODEC_KEYS, new_key()], ids=["same keys", "keys of its own"])
async def beside(
    request: pytest.FixtureRequest, engine: str, site: "Site", open_site: "OpenSite", new_sqlite: Callable[[], str]
) -> "AsyncIterator[Site]":
    """A site with a fresh ledger beside the engine of `site`."""
    values = {"TEMPORAL_ADDRESS": engine, "TEMPORAL_NAMESPACE": "sqlite", "JIESU_TASK_QUEUE": "beside"}
    async with open_site(new_sqlite(), values | {"JIESU_CODEC_KEYS": request.param}) as opened:
        yield opened


async def test_a_number_the_engine_knows_from_a_lost_ledger_is_not_given_again(site: "Site", beside: "Site") -> None:
    known = {await site.receive() for _ in range(3)}
    listed: dict[str, Any] = await site.get("/cases", limit=200)
    known |= {case["number"] for case in listed["items"]}
    fresh = await beside.receive()
    assert fresh not in known
    found = await beside.get(f"/cases/{fresh}")
    assert found["number"] == fresh
