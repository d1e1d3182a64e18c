"""What people are told when something the API depends on does not answer."""

import asyncio
import time
from collections.abc import Callable
from uuid import uuid4

import httpx2
from temporalio.client import Client

from ledger.cases import unstarted
from temporal import search_attributes
from tests.api.conftest import Api, OpenSite, Site
from tests.ports import free_ports


def assert_try_again(answer: httpx2.Response, key: str | None = None) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (503, "try_again")
    assert answer.headers["Retry-After"] == "5"
    if answer.request.method == "GET":
        assert "idempotency_key" not in problem
        assert problem["detail"].endswith("; repeat the request.")
        return
    told = answer.headers["Idempotency-Key"]
    assert key in (None, told)
    assert problem["idempotency_key"] == told
    assert problem["detail"].endswith(f"; repeat the request with Idempotency-Key: {told}.")
    assert told in problem["detail_zh"]


async def test_a_step_that_no_worker_takes_is_to_be_repeated(
    engine: str, open_site: OpenSite, new_sqlite: Callable[[], str]
) -> None:
    await search_attributes.ensure(await Client.connect(engine, namespace="unmanned"))
    values = {
        "TEMPORAL_ADDRESS": engine,
        "TEMPORAL_NAMESPACE": "unmanned",
        "JIESU_TASK_QUEUE": "nobody",
        "JIESU_PATIENCE": "0.3",
    }
    async with open_site(new_sqlite(), values) as site:
        number, key = await site.receive(), str(uuid4())
        began = time.monotonic()
        assert_try_again(await site.step(number, "dispatch", "dispatcher", key, lead="zz-water"), key)
        assert time.monotonic() - began < 8
        assert_try_again(await site.step(number, "dispatch", "dispatcher", key, lead="zz-water"), key)
        ready = await site.call("GET", "/ready")
        assert (ready.status_code, ready.json()) == (503, {"engine": True, "ledger": True, "worker": False})


async def test_the_key_of_a_503_repeated_later_carries_the_step_out_once(
    site: Site,
) -> None:
    hasty = Api({**site.api.values, "JIESU_PATIENCE": "0.001"})
    number = await site.receive()
    hasty.start()
    try:
        answer = await Site(hasty, site.ledger, site.keys, site.http).step(number, "hurry", "citizen")
    finally:
        hasty.stop()
    assert_try_again(answer)
    key = answer.json()["idempotency_key"]
    first = await site.take(number, "hurry", "citizen", key)
    assert await site.take(number, "hurry", "citizen", key) == first
    assert (await site.get(f"/cases/{number}"))["hurries"] == 1


async def test_an_unreachable_engine_keeps_nobody_from_filing_a_request(
    open_site: OpenSite, new_sqlite: Callable[[], str]
) -> None:
    values = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}", "JIESU_PATIENCE": "0.3"}
    async with open_site(new_sqlite(), values) as site:
        key = str(uuid4())
        first = await site.call("POST", "/cases", "agent", key=key, json={"text": "停水"})
        again = await site.call("POST", "/cases", "agent", key=key, json={"text": "停水"})
        assert (first.status_code, again.status_code) == (201, 200)
        async with site.ledger.session() as session:
            assert [row.number for row in await unstarted(session, 10)] == [first.json()["number"]]
        assert_try_again(await site.step(first.json()["number"], "dispatch", "dispatcher", lead="zz-water"))
        assert [line["status"] for line in (await site.get("/cases"))["items"]] == ["received"]
        ready = await site.call("GET", "/ready")
        assert (ready.status_code, ready.json()) == (503, {"engine": False, "ledger": True, "worker": False})


async def test_a_case_the_engine_was_never_told_of_starts_with_its_first_step(
    site: Site, open_site: OpenSite, new_sqlite: Callable[[], str]
) -> None:
    deaf = Api({**site.api.values, "TEMPORAL_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}"})
    deaf.start()
    try:
        elsewhere = Site(deaf, site.ledger, site.keys, site.http)
        number, key = await elsewhere.receive(), str(uuid4())
    finally:
        deaf.stop()
    assert_try_again(await site.step(number, "dispatch", "dispatcher", key, lead="zz-water"))
    assert (await site.take(number, "dispatch", "dispatcher", key, lead="zz-water"))["status"] == "dispatched"


async def test_an_unreachable_ledger_is_told_and_not_blamed_on_the_caller(site: Site, engine: str) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/none"
    api = Api({"JIESU_DATABASE_URL": url, "TEMPORAL_ADDRESS": engine})
    api.start()
    try:
        cut_off = Site(api, site.ledger, site.keys, site.http)
        assert_try_again(await cut_off.call("GET", "/cases", "admin"))
        assert_try_again(await cut_off.call("POST", "/cases", "agent", json={"text": "停水"}))
        assert_try_again(await cut_off.step("ZZ-20261121-00001", "dispatch", "dispatcher", lead="zz-water"))
        ready = await cut_off.call("GET", "/ready")
        assert (ready.status_code, ready.json()) == (503, {"engine": True, "ledger": False, "worker": False})
        assert (await cut_off.call("GET", "/health")).json() == {"status": "ok"}
    finally:
        api.stop()


async def test_all_answer_when_all_is_well(each_site: Site) -> None:
    # A worker that has just started is seen with its first question.
    for _ in range(50):
        ready = await each_site.call("GET", "/ready")
        if ready.status_code == 200:
            break
        await asyncio.sleep(0.1)
    assert (ready.status_code, ready.json()) == (200, {"engine": True, "ledger": True, "worker": True})
