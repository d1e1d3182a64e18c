"""Following requests: filters, limits, and how a case shows to the apps of the world."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from api.open311.query import RequestQuery
from ledger.tables import CASES
from tests.api.conftest import OpenSite, Site
from tests.api.open311.geo_report import App, noted


async def ids(app: App, **query: Any) -> list[str]:
    return [request["service_request_id"] for request in await app.get("requests", "service_requests", **query)]


async def received(site: Site, number: str, at: datetime) -> None:
    """Puts the receipt of a request to another time."""
    async with site.ledger.session() as session:
        await session.execute(update(CASES).where(CASES.c.number == number).values(received_at=at))


@pytest.fixture
def app(each_site: Site) -> App:
    return App(each_site, each_site.keys["integration"], ".json")


async def test_a_request_is_open_until_it_is_closed(app: App, each_site: Site) -> None:
    number = await app.file(service_code="outage-heat")
    await each_site.take(number, "dispatch", "dispatcher", lead="zz-heat")
    request = await noted(app, number, "已派单待签收")
    assert (request["status"], request["status_notes"]) == ("open", "已派单待签收")
    assert (request["service_code"], request["service_name"]) == ("outage-heat", "大面积停热")
    assert request["agency_responsible"] == "郑州热力集团"
    assert request["requested_datetime"].endswith("+08:00")
    await each_site.take(number, "withdraw", "agent", text="诉求人来电撤回。")
    request = await noted(app, number, "诉求人撤回")
    assert request["status"] == "closed"
    assert request["expected_datetime"] is None
    assert request["updated_datetime"] >= request["requested_datetime"]


async def test_from_dispatch_to_result_the_end_of_the_handling_limit_is_expected(app: App, each_site: Site) -> None:
    number = await app.file(service_code="outage-water")
    assert (await noted(app, number, "已受理待派单"))["expected_datetime"] is None
    await each_site.take(number, "dispatch", "dispatcher", lead="zz-water")
    latest = datetime.fromisoformat((await noted(app, number, "已派单待签收"))["expected_datetime"])
    due = datetime.fromisoformat((await each_site.take(number, "sign-in", "zz-water"))["due"])
    # In an outage the unit's first opinion is due before, and then each day's report.
    expected = datetime.fromisoformat((await noted(app, number, "办理中"))["expected_datetime"])
    assert due < expected <= latest
    assert (expected.utcoffset(), expected.hour, expected.minute) == (timedelta(hours=8), 0, 0)
    await each_site.take(number, "submit-result", "zz-water", text="已修复。")
    assert (await noted(app, number, "已反馈待回访：已修复。"))["expected_datetime"] is None


async def test_what_is_expected_is_the_limit_that_staff_see(app: App, each_site: Site) -> None:
    number = await app.file(service_code="other", description="水压小")
    await each_site.take(number, "dispatch", "dispatcher", lead="zz-water", assisting=["zz-heat"])
    due = (await each_site.take(number, "sign-in", "zz-heat"))["due"]
    latest = (await noted(app, number, "已派单待签收"))["expected_datetime"]
    assert datetime.fromisoformat(latest) > datetime.fromisoformat(due)
    due = (await each_site.take(number, "sign-in", "zz-water"))["due"]
    request = await noted(app, number, "办理中")
    assert datetime.fromisoformat(request["expected_datetime"]) == datetime.fromisoformat(due)


async def test_in_a_suspension_what_was_left_after_its_last_day_is_expected(app: App, each_site: Site) -> None:
    number = await app.file()
    await each_site.take(number, "dispatch", "dispatcher", lead="zz-water")
    await each_site.take(number, "sign-in", "zz-water")
    until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
    await each_site.take(number, "request-suspension", "zz-water", text="等待配件。", until=until)
    await each_site.take(number, "decide-suspension", "supervisor", granted=True)
    assert (await noted(app, number, "已挂账"))["expected_datetime"] > until


async def test_a_record_that_was_changed_is_named(open_site: OpenSite, new_sqlite: Any) -> None:
    async with open_site(new_sqlite(), {"TEMPORAL_ADDRESS": "127.0.0.1:9"}) as site:
        app = App(site, site.keys["integration"], ".json")
        await app.file()
        for facts in ("none", "[]", '{"ordered": 5}', '{"limit": "soon"}'):
            number = await app.file()
            await site.ledger.run(recorded, number, facts)
            assert number in await app.refused(400, f"requests/{number}")
            assert number in await app.refused(400, "requests", page_size=1)


def recorded(connection: Connection, number: str, facts: str) -> None:
    """Has a case dispatched, with such facts."""
    at_work = "UPDATE cases SET status = 'dispatched', lead = 'zz-water' WHERE number = ?"
    connection.exec_driver_sql(at_work, (number,))
    columns = "case_number, n, at, kind, role, actor_id, provisional, facts"
    values = (number, "2026-11-21 04:00:00.000000+00:00", "agent", "key-1", facts)
    event = f"INSERT INTO events ({columns}) VALUES (?, 1, ?, 'received', ?, ?, 0, ?)"
    connection.exec_driver_sql(event, values)


async def test_a_token_gives_its_id_back(app: App) -> None:
    number = await app.file()
    assert await app.get(f"tokens/{number}", "token") == [{"service_request_id": number, "token": number}]


async def test_ids_override_all_other_filters(app: App) -> None:
    one, two, _ = [await app.file() for _ in range(3)]
    query = {"status": "closed", "service_code": "trees", "start_date": "2001-01-01T00:00:00Z"}
    query |= {"end_date": "yesterday", "page": "-1", "page_size": "many"}
    assert set(await ids(app, service_request_id=f"{one}, {two},,ZZ-20000101-00001", **query)) == {one, two}
    assert set(await ids(app, service_request_id=[one, two])) == {one, two}
    assert await app.refused(404, "requests", service_request_id="ZZ-20000101-00001,x")


async def test_requests_are_filtered_by_service_and_status(app: App, each_site: Site) -> None:
    trees, refuse = await app.file(service_code="trees"), await app.file(service_code="refuse")
    await each_site.take(trees, "withdraw", "agent", text="诉求人来电撤回。")
    await noted(app, trees, "诉求人撤回")
    assert {trees, refuse} <= set(await ids(app, service_code="trees,refuse", status="open,closed"))
    assert set(await ids(app, service_code="trees,refuse")) & {trees, refuse} == {trees, refuse}
    assert trees in await ids(app, status="closed", service_code="")
    assert trees not in await ids(app, status="open")
    assert refuse not in await ids(app, service_code="trees,other")
    assert await app.refused(404, "requests", service_code="trees,nothing")


async def test_a_search_goes_90_days_back_and_spans_as_many(app: App, each_site: Site) -> None:
    number = await app.file()
    old = datetime.now(UTC) - timedelta(days=100)
    await received(each_site, number, old)
    assert number not in await ids(app)
    assert number in await ids(app, start_date=(old - timedelta(days=1)).isoformat())
    assert number in await ids(app, end_date=(old + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert number not in await ids(app, end_date=(old - timedelta(seconds=1)).isoformat())
    assert number not in await ids(app, start_date=(old + timedelta(seconds=1)).isoformat())


async def test_the_last_second_of_a_search_counts_whole(app: App, each_site: Site) -> None:
    number = await app.file()
    await received(each_site, number, datetime(2026, 9, 24, 2, 5, 7, 654321, tzinfo=UTC))
    (request,) = await app.get(f"requests/{number}", "service_requests")
    shown = request["requested_datetime"]
    assert shown == "2026-09-24T10:05:07+08:00"
    assert await ids(app, start_date=shown, end_date=shown) == [number]


async def test_a_plus_that_was_not_escaped_is_an_offset(app: App, each_site: Site) -> None:
    number = await app.file()
    path = "/open311/v2/requests.json?start_date=2026-11-01T00:00:00+08:00&end_date=2026-11-02T00:00:00+08:00"
    assert (await each_site.call("GET", path)).status_code == 200
    assert number


async def test_pages_follow_each_other_newest_first(open_site: OpenSite, new_sqlite: Any) -> None:
    async with open_site(new_sqlite(), {"TEMPORAL_ADDRESS": "127.0.0.1:9"}) as site:
        app = App(site, site.keys["integration"], ".json")
        numbers = [await app.file() for _ in range(5)][::-1]
        assert await ids(app) == numbers
        assert await ids(App(site, None, ".json"), page_size=2) == numbers[:2]
        assert await ids(app, page=3, page_size=2) == numbers[4:]
        assert await ids(app, page=4, page_size=2) == []


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "yesterday"},
        {"start_date": "2026-11-01T00:00:00"},
        {"start_date": "0001-01-01T00:00:00+14:00"},
        {"end_date": "0001-01-02T00:00:00Z"},
        {"start_date": "9999-12-31T00:00:00Z"},
        {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-11-01T00:00:00Z"},
        {"start_date": "2026-11-02T00:00:00Z", "end_date": "2026-11-01T00:00:00Z"},
        {"status": "pending"},
        {"page": "0"},
        {"page": "-1"},
        {"page": "1.5"},
        {"page": "9" * 5000},
        {"page": "NaN"},
        {"page_size": "1001"},
        {"page_size": "many"},
        {"service_request_id": ",".join(["x"] * 1001)},
    ],
)
async def test_a_filter_that_cannot_be_understood_is_refused(site: Site, suffix: str, query: dict[str, str]) -> None:
    assert await App(site, None, suffix).refused(400, "requests", **query)


@pytest.mark.parametrize(
    "value", ["%00", "%FF%FE", "'%3BDROP TABLE cases--", "%F0%9F%98%80", "a" * 3000, "-1", "1e9", "[]"]
)
async def test_no_nasty_filter_breaks_anything(postgres_site: Site, value: str) -> None:
    for name in (*RequestQuery.model_fields, "jurisdiction_id"):
        answer = await postgres_site.call("GET", f"/open311/v2/requests.json?{name}={value}")
        assert answer.status_code in (200, 400, 404), answer.text


async def test_an_empty_filter_is_none(app: App) -> None:
    names = ("service_request_id", "service_code", "start_date", "end_date", "status", "page", "page_size", "api_key")
    number = await app.file()
    assert number in await ids(App(app.site, None, ".json"), **dict.fromkeys(names, ""))
