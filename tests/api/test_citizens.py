"""Citizens at their own case: what the code opens, and that it cannot be guessed."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from sqlmodel import SQLModel

from api.app import create_app
from api.citizens import BY_CODE
from ledger.attempts import CASE_LOCK, CASE_MEMORY, CASE_TRIES, CLIENT_TRIES
from ledger.models import AttemptRow, CaseRow
from tests.api.conftest import Site

NOBODYS = "ZZ-20000101-00001"
ATTEMPTS = SQLModel.metadata.tables["attempts"]
CASES = SQLModel.metadata.tables["cases"]
CITIZENS_STEPS: dict[str, dict[str, Any]] = {
    "supplement": {"text": "楼上也没有水。"},
    "hurry": {},
    "rate": {"rating": 5, "solved": True, "contacted": True},
    "withdraw": {},
}

_hosts = count(1)


@pytest.fixture
def client() -> str:
    """An address of the test's own, as a trusted proxy tells it: wrong codes are counted by address too."""
    return new_client()


def new_client() -> str:
    high, low = divmod(next(_hosts), 250)
    return f"198.18.{high}.{low + 1}"


async def show(
    site: Site, number: str, code: str | None, client: str, step: str = "track", by: str | None = None, **body: Any
) -> httpx2.Response:
    headers = {"X-Forwarded-For": client} | ({"Case-Code": code} if code is not None else {})
    if step == "track":
        return await site.call("GET", f"/cases/{number}/track", by, headers=headers)
    return await site.call("POST", f"/cases/{number}/{step}", by, headers=headers, json=body)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def said(answer: httpx2.Response, *without: str) -> tuple[int, str, dict[str, str]]:
    """All that an answer says, but for what it repeats of the question and for what differs each time."""
    text = answer.text
    for word in without:
        text = text.replace(word, "")
    headers = {name: value for name, value in answer.headers.items() if name not in ("date", "idempotency-key")}
    return answer.status_code, text, headers


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def attempts(site: Site, subject: str) -> AttemptRow | None:
    async with site.ledger.session() as session:
        return await session.get(AttemptRow, subject)


async def let_pass(site: Site, time: timedelta, subject: str) -> None:
    """Move what is kept of a subject into the past."""
    row = await attempts(site, subject)
    assert row is not None
    until = row.locked_until and row.locked_until - time
    async with site.ledger.session() as session:
        changed = {"last_at": row.last_at - time, "locked_until": until}
        await session.execute(update(ATTEMPTS).where(ATTEMPTS.c.subject == subject).values(changed))


async def fail(site: Site, number: str, times: int, client: str) -> list[tuple[int, str]]:
    code = await site.code(number) if number != NOBODYS else "12345678"
    return [code_of(await show(site, number, wrong(code), client)) for _ in range(times)]


WRONG, LOCKED = (401, "wrong_code"), (429, "too_many_attempts")


# --- what the code opens ----------------------------------------------------------------------------------------------


async def test_a_citizen_follows_the_case_from_receipt_to_the_invitation_to_rate(each_site: Site, client: str) -> None:
    number = await each_site.receive()
    code = await each_site.code(number)
    await each_site.take(number, "supplement", "agent", text="补充")
    first = (await show(each_site, number, code, client)).json()
    assert (first["number"], first["status_zh"], first["unit"]) == (number, "已受理待派单", None)
    assert (first["due_for_zh"], first["outcome"], first["rating_invited"]) == ("派单时限", None, False)
    assert first["due_zh"].endswith("24:00")
    await each_site.take(number, "dispatch", "dispatcher", lead="zz-water")
    await each_site.take(number, "sign-in", "zz-water")
    await each_site.take(number, "request-extension", "zz-water", text="内部理由", limit="2wd")
    await each_site.take(number, "decide-extension", "dispatcher", granted=True, text="需等配件。")
    await each_site.take(number, "submit-result", "zz-water", text="内部办理说明")
    seen = await show(each_site, number, code, client)
    tracked = seen.json()
    assert [step["text"].partition("至")[0] for step in tracked["steps"]] == [
        "您的诉求已登记。", "您已补充诉求。", "您的诉求已派给郑州水务集团办理。", "郑州水务集团已签收。",
        "办理时间延长", "郑州水务集团已反馈办理结果。",
    ]  # fmt: skip
    assert (tracked["unit"], tracked["status_zh"], tracked["rating_invited"]) == ("郑州水务集团", "已反馈待回访", True)
    assert "内部" not in seen.text
    await each_site.take(number, "rate", "citizen", rating=5, solved=True, contacted=True)
    ended = (await show(each_site, number, code, client)).json()
    assert (ended["outcome_zh"], ended["rating_invited"]) == ("已解决", False)
    assert ended["closed_at"]
    assert ended["steps"][-1]["text"] == "诉求已办结：已解决。"


async def test_a_citizen_sees_nothing_of_escalations_and_of_who_works_on_the_case(site: Site, client: str) -> None:
    number = await site.in_callback()
    await site.take(number, "call-back", "callback", reached=True, rating=1, solved=False, contacted=False, text="气话")
    seen = (await show(site, number, await site.code(number), client)).text
    assert "已退回郑州水务集团重新办理" in seen
    for hidden in ("纪检", "督办", "discipline", "气话", "actor", *(key.split("_")[1] for key in site.keys.values())):
        assert hidden not in seen


async def test_the_code_comes_with_the_first_text_and_its_copy_is_masked(each_site: Site, client: str) -> None:
    number = await each_site.receive()
    code = await each_site.code(number)
    assert len(code) == 8
    assert code.isdecimal()
    tracked = await texted(each_site, number, client)
    assert "查询码********" in tracked["texts"][0]["text"]
    for by in ("agent", "supervisor", "inspector", "admin"):
        for path in (f"/cases/{number}", f"/cases/{number}/timeline", "/cases?limit=200"):
            answer = await each_site.call("GET", path, by)
            assert answer.status_code == 200
            assert code not in answer.text
    assert code not in str(tracked)


async def texted(site: Site, number: str, client: str) -> dict[str, Any]:
    """The case as its citizen sees it, once a text has been sent."""
    for _ in range(200):
        tracked: dict[str, Any] = (await show(site, number, await site.code(number), client)).json()
        if tracked["texts"]:
            return tracked
        await asyncio.sleep(0.05)
    raise AssertionError("no text was sent")


@pytest.mark.parametrize("step", CITIZENS_STEPS)
async def test_a_citizens_step_needs_the_code_of_that_very_case(each_site: Site, step: str, client: str) -> None:
    number, other = await each_site.in_callback(), await each_site.receive()
    body = CITIZENS_STEPS[step]
    code, others = await each_site.code(number), await each_site.code(other)
    assert code_of(await show(each_site, number, None, client, step, **body)) == (401, "no_code")
    assert code_of(await show(each_site, number, wrong(code), client, step, **body)) == WRONG
    assert code_of(await show(each_site, number, others, client, step, **body)) == WRONG
    assert (await show(each_site, number, code, client, step, **body)).status_code == 200
    timeline = await each_site.get(f"/cases/{number}/timeline")
    assert "citizen" in [event["by"] for event in timeline["events"]]


def test_every_row_of_a_citizen_but_the_first_goes_by_the_code() -> None:
    operations = {
        path: operation for path, found in create_app().openapi()["paths"].items() for operation in found.values()
    }
    opened = {path for path, operation in operations.items() if {"CaseCode": []} in operation.get("security", [])}
    assert {f"/cases/{{number}}/{step}" for step in (*CITIZENS_STEPS, "track")} <= opened
    assert all("{number}" in path for path in opened)
    assert {"track", "attach", *CITIZENS_STEPS} == BY_CODE


async def test_a_citizens_key_opens_cases_but_acts_on_none_without_its_code(site: Site, client: str) -> None:
    opened = await site.call("POST", "/cases", "citizen", json={"text": "停水", "phone": "13800000000"})
    number = opened.json()["number"]
    code = await site.code(number)
    assert code not in opened.text
    assert code_of(await show(site, number, None, client, "hurry", by="citizen")) == (401, "no_code")
    assert code_of(await show(site, number, wrong(code), client, "hurry", by="citizen")) == WRONG
    assert (await show(site, number, code, client, "hurry", by="citizen")).status_code == 200
    assert (await show(site, number, code, client, by="citizen")).status_code == 200


async def test_a_member_of_staff_who_shows_a_code_stays_what_they_are(site: Site, client: str) -> None:
    number = await site.receive()
    code = await site.code(number)
    assert code_of(await show(site, number, code, client, by="agent")) == (403, "not_your_post")
    assert code_of(await show(site, number, code, client, "hurry", by="zz-water")) == (403, "not_your_post")
    assert code_of(await show(site, number, code, client, by="nonsense")) == (401, "no_key")
    assert (await show(site, number, "00000000", client, "hurry", by="agent")).status_code == 200
    assert await attempts(site, f"case:{number}") is None


async def test_a_code_opens_nothing_that_is_not_the_citizens(site: Site, client: str) -> None:
    number = await site.receive()
    headers = {"Case-Code": await site.code(number), "X-Forwarded-For": client}
    for method, path in (("GET", f"/cases/{number}"), ("GET", "/cases"), ("POST", f"/cases/{number}/close")):
        assert code_of(await site.call(method, path, headers=headers)) == (401, "no_key")


async def test_a_case_without_a_code_and_an_erased_one_are_open_to_no_code(each_site: Site, client: str) -> None:
    for lost in ({"code": None}, {"erased_at": datetime.now(UTC)}):
        number = await each_site.receive()
        code = await each_site.code(number)
        async with each_site.ledger.session() as session:
            await session.execute(update(CASES).where(CASES.c.number == number).values(lost))
        for shown in (code, "None"):
            assert code_of(await show(each_site, number, shown, client)) == WRONG


@pytest.mark.parametrize("nonsense", ["1", "x" * 5000, "１２３４５６７８", "' OR 1=1 --", "\xff\xfe"])
async def test_nonsense_is_a_wrong_code(site: Site, nonsense: str, client: str) -> None:
    number = await site.receive()
    answer = await site.call(
        "GET", f"/cases/{number}/track", headers={b"Case-Code": nonsense.encode(), b"X-Forwarded-For": client.encode()}
    )
    assert code_of(answer) == WRONG


# --- guessing ---------------------------------------------------------------------------------------------------------


async def test_five_wrong_codes_lock_a_case_also_to_the_right_one_and_to_others(each_site: Site, client: str) -> None:
    number = await each_site.receive()
    code = await each_site.code(number)
    assert await fail(each_site, number, CASE_TRIES, client) == [WRONG] * CASE_TRIES
    assert await fail(each_site, number, 2, client) == [LOCKED] * 2
    answer = await show(each_site, number, code, new_client())
    assert code_of(answer) == LOCKED
    assert 0 < int(answer.headers["Retry-After"]) <= CASE_LOCK.total_seconds()
    assert "查询码错误次数过多" in answer.json()["detail_zh"]
    locked = await attempts(each_site, f"case:{number}")
    assert locked is not None
    assert locked.failures == CASE_TRIES


async def test_a_lock_ends_and_the_next_is_twice_as_long_up_to_a_day(each_site: Site) -> None:
    number = await each_site.receive()
    lengths = []
    for _ in range(9):
        assert await fail(each_site, number, CASE_TRIES, new_client()) == [WRONG] * CASE_TRIES
        row = await attempts(each_site, f"case:{number}")
        assert row is not None
        assert row.locked_until is not None
        lengths.append(row.locked_until - row.last_at)
        await let_pass(each_site, lengths[-1], f"case:{number}")
    assert lengths == [min(CASE_LOCK * 2**n, timedelta(days=1)) for n in range(9)]
    assert (await show(each_site, number, await each_site.code(number), new_client())).status_code == 200
    assert await attempts(each_site, f"case:{number}") is None


async def test_a_right_code_starts_the_count_of_a_case_anew_and_not_that_of_its_sender(
    each_site: Site, client: str
) -> None:
    number = await each_site.receive()
    for _ in range(2):
        assert await fail(each_site, number, CASE_TRIES - 1, client) == [WRONG] * (CASE_TRIES - 1)
        assert (await show(each_site, number, await each_site.code(number), client)).status_code == 200
    row = await attempts(each_site, f"client:{client}")
    assert row is not None
    assert row.failures == 2 * (CASE_TRIES - 1)


async def test_fifty_guesses_at_once_get_no_more_tries_than_five_in_a_row(each_site: Site) -> None:
    number = await each_site.receive()
    code = wrong(await each_site.code(number))
    answers = await asyncio.gather(*(show(each_site, number, code, new_client()) for _ in range(50)))
    assert Counter(map(code_of, answers)) == {WRONG: CASE_TRIES, LOCKED: 50 - CASE_TRIES}


async def test_thirty_wrong_codes_lock_an_address_for_an_hour_whatever_it_asks_for(
    each_site: Site, client: str
) -> None:
    numbers = [await each_site.receive() for _ in range(CLIENT_TRIES // 3 + 1)]
    found = [await fail(each_site, number, 3, client) for number in numbers]
    assert found == [[WRONG] * 3] * (CLIENT_TRIES // 3) + [[LOCKED] * 3]
    code = await each_site.code(numbers[-1])
    assert code_of(await show(each_site, numbers[-1], code, client)) == LOCKED
    assert (await show(each_site, numbers[-1], code, new_client())).status_code == 200
    await let_pass(each_site, timedelta(hours=1), f"client:{client}")
    assert (await show(each_site, numbers[-1], code, client)).status_code == 200


async def test_wrong_codes_of_an_address_run_off(site: Site, client: str) -> None:
    number = await site.receive()
    for passed in (timedelta(minutes=10), timedelta(minutes=20)):
        await fail(site, number, CASE_TRIES - 1, client)
        await let_pass(site, passed, f"client:{client}")
        assert (await show(site, number, await site.code(number), client)).status_code == 200
    await fail(site, number, 1, client)
    row = await attempts(site, f"client:{client}")
    assert row is not None
    assert row.failures == 1


async def test_an_unknown_case_cannot_be_told_from_one_that_is_there(each_site: Site) -> None:
    number, client, other = await each_site.receive(), new_client(), new_client()
    unknown = number[:-5] + "99871"
    code = wrong(await each_site.code(number))
    known = [said(await show(each_site, number, code, client), number) for _ in range(CASE_TRIES)]
    none = [said(await show(each_site, unknown, code, other), unknown) for _ in range(CASE_TRIES)]
    assert known == none
    assert {status for status, _, _ in known} == {401}
    assert code_of(await show(each_site, number, code, client)) == LOCKED
    assert code_of(await show(each_site, unknown, code, other)) == LOCKED
    assert code_of(await show(each_site, unknown, code, other, "hurry")) == LOCKED


async def test_what_is_kept_of_wrong_codes_stays_small_and_is_forgotten(each_site: Site) -> None:
    number, old, client = await each_site.receive(), new_client(), new_client()
    await fail(each_site, number, 1, old)
    await fail(each_site, await each_site.receive(), 1, client)
    assert await attempts(each_site, f"client:{old}")
    await let_pass(each_site, timedelta(hours=2), f"client:{old}")
    await let_pass(each_site, CASE_MEMORY + timedelta(hours=2), f"case:{number}")
    await fail(each_site, await each_site.receive(), 1, client)
    assert await attempts(each_site, f"client:{old}") is None
    assert await attempts(each_site, f"case:{number}") is None
    assert await attempts(each_site, f"client:{client}")


async def test_a_household_is_one_client_however_many_addresses_it_uses(site: Site) -> None:
    number = await site.receive()
    for host in range(1, 4):
        await fail(site, number, 1, f"2001:db8:77:1::{host}")
    row = await attempts(site, "client:2001:db8:77:1::/64")
    assert row is not None
    assert row.failures == 3


async def test_codes_differ(site: Site) -> None:
    numbers = [await site.receive() for _ in range(5)]
    async with site.ledger.session() as session:
        codes = {(await session.get_one(CaseRow, number)).code for number in numbers}
    assert len(codes) == len(numbers)
