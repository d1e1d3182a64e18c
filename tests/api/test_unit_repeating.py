"""Messages of units that come again: the same message is taken once, the very same sending is a replay."""

import asyncio
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from ledger.tables import REQUESTS
from tests.api.conftest import Api, Site
from tests.api.unit import NOBODYS, assert_refused, counted, headers, kinds, message, post, report
from tests.ports import free_ports


async def test_a_repetition_signed_anew_gets_the_first_answer(each_site: Site) -> None:
    number, id = await each_site.dispatched(), str(uuid4())
    body = message("order.signed_in", number)
    first = await post(each_site, body, headers(body, id, ago=20))
    await report(each_site, "order.progress", number, text="在路上")
    again = await post(each_site, body, headers(body, id, ago=10))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert (await kinds(each_site, number)).count("signed_in") == 1


async def test_several_at_once_take_one_step(each_site: Site) -> None:
    number, id = await each_site.dispatched(), str(uuid4())
    body = message("order.signed_in", number)
    answers = await asyncio.gather(*(post(each_site, body, headers(body, id, ago=ago)) for ago in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({answer.text for answer in answers}) == 1
    assert (await kinds(each_site, number)).count("signed_in") == 1


async def test_the_very_same_message_again_is_a_replay(each_site: Site) -> None:
    body = message("order.signed_in", await each_site.dispatched())
    sent, was = headers(body, str(uuid4())), (await counted(each_site)).get("replayed", 0)
    assert (await post(each_site, body, sent)).status_code == 200
    await assert_refused(each_site, await post(each_site, body, sent), 409, "replayed", "unit:zz-water", was)
    disguised = sent | {"webhook-timestamp": f"{sent['webhook-timestamp']}.5"}
    await assert_refused(each_site, await post(each_site, body, disguised), 409, "replayed", "unit:zz-water", was + 1)


async def test_a_message_that_could_not_be_taken_may_come_again_as_it_was(site: Site) -> None:
    body = message("order.signed_in", await site.dispatched())
    sent = headers(body, str(uuid4()))
    deaf = Api({**site.api.values, "TEMPORAL_ADDRESS": f"127.0.0.1:{free_ports(1)[0]}", "JIESU_PATIENCE": "0.3"})
    deaf.start()
    try:
        answer = await post(Site(deaf, site.ledger, site.keys, site.http), body, sent)
    finally:
        deaf.stop()
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    assert "Retry-After" in answer.headers
    assert (await post(site, body, sent)).status_code == 200


async def test_a_message_out_of_order_is_refused_by_the_rule_and_may_come_again(site: Site) -> None:
    number, id = await site.dispatched(), str(uuid4())
    body, was = message("order.result", number, text="水压恢复"), (await counted(site)).get("not_in_this_stage", 0)
    answer = await post(site, body, headers(body, id, ago=5))
    await assert_refused(site, answer, 409, "not_in_this_stage", "unit:zz-water", was)
    await report(site, "order.signed_in", number)
    assert (await post(site, body, headers(body, id))).status_code == 200


@pytest.mark.parametrize("other", [{"text": "另一内容"}, {"type": "order.result"}, {"case": "another"}])
async def test_the_same_id_with_another_body_is_refused(site: Site, other: dict[str, Any]) -> None:
    number, id = await site.dispatched(), str(uuid4())
    await report(site, "order.signed_in", number)
    said = {"type": "order.progress", "case": number, "text": "在路上"}
    assert (await post(site, body := message(**said), headers(body, id, ago=5))).status_code == 200
    changed = said | other | ({"case": await site.dispatched()} if "case" in other else {})
    was = (await counted(site)).get("idempotency_key_reused", 0)
    answer = await post(site, body := message(**changed), headers(body, id))
    await assert_refused(site, answer, 422, "idempotency_key_reused", "unit:zz-water", was)


async def test_an_id_is_kept_as_its_digest_only(site: Site) -> None:
    body, id = message("order.signed_in", await site.dispatched()), "m-13812345678"
    assert (await post(site, body, headers(body, id))).status_code == 200
    async with site.ledger.session() as session:
        keys = list(await session.scalars(select(REQUESTS.c.key)))
    assert sha256(id.encode()).hexdigest() in "".join(keys)
    assert id not in "".join(keys)


async def test_an_unreachable_ledger_is_told(site: Site, engine: str) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/none"
    api = Api({"JIESU_DATABASE_URL": url, "TEMPORAL_ADDRESS": engine})
    api.start()
    try:
        cut_off = Site(api, site.ledger, site.keys, site.http)
        body = message("order.signed_in", NOBODYS)
        assert (await post(cut_off, body, headers(body, "m-1"))).status_code == 503
    finally:
        api.stop()
