"""Which personal data each post gets, and that a withheld identity reaches neither unit nor grid."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from domain.roles import MAY, Role
from tests.api.conftest import Site
from tests.api.test_visibility import key_for

NAME, PHONE, ADDRESS = "欧阳海明威", "13812345678", "杜岭街八栋楼社区2号"
TEXT = f"我是{NAME}，家里停水了，请回电138 1234 5678。"
PERSONAL: dict[str, Any] = {
    "name": NAME, "phone": PHONE, "address": ADDRESS, "title": f"停水{PHONE}", "text": TEXT,
    "longitude": 113.61, "latitude": 34.72,
}  # fmt: skip
MASKED = {
    "name": "欧**", "phone": "138****5678", "address": None, "title": None, "text": None,
    "longitude": None, "latitude": None,
}  # fmt: skip
WITHOUT_IDENTITY = PERSONAL | {
    "name": None, "phone": None, "title": "停水***", "text": "我是***，家里停水了，请回电***。",
}  # fmt: skip
UNIT, GRID = "zz-dulingjie", "zz-g-badonglou"
NOTE = f"已联系{NAME}，电话{PHONE}"


@pytest.fixture
async def posts(each_site: Site) -> dict[str, str]:
    """A key for every post that reads, by role; `platform` is the grid platform as a whole."""
    keys = {role.value: role.value for role in MAY["read"]}
    unit, grid = await key_for(each_site, Role.UNIT, UNIT), await key_for(each_site, Role.GRID, GRID)
    return keys | {"platform": "grid", "unit": unit, "grid": grid}


async def handled(site: Site, unit: str, **more: Any) -> str:
    """A case that went to unit and grid, with a note and every message written down."""
    number = await site.dispatched(UNIT, **PERSONAL, **more)
    await site.take(number, "sign-in", unit)
    await site.take(number, "submit-result", unit, text=NOTE)
    for _ in range(200):
        if len((await site.get(f"/cases/{number}/timeline"))["messages"]) == 4:
            return number
        await asyncio.sleep(0.05)
    raise AssertionError("not every message was written down")


async def personal(site: Site, number: str, key: str) -> dict[str, Any]:
    view = await site.get(f"/cases/{number}", key)
    return {name: view[name] for name in PERSONAL}


async def test_posts_that_need_no_personal_data_get_it_masked(each_site: Site, posts: dict[str, str]) -> None:
    number = await handled(each_site, posts["unit"])
    for post, key in posts.items():
        masked = post in ("admin", "integration", "platform")
        assert await personal(each_site, number, key) == (MASKED if masked else PERSONAL), post
        timeline = await each_site.call("GET", f"/cases/{number}/timeline", key)
        assert (NOTE in timeline.text) is not masked, post
        if masked:
            assert {event["text"] for event in timeline.json()["events"]} == {None}
            assert {message["text"] for message in timeline.json()["messages"]} == {None}
            assert not any(word in timeline.text for word in (NAME, PHONE, "八栋楼"))


async def test_a_withheld_identity_reaches_neither_unit_nor_grid(each_site: Site, posts: dict[str, str]) -> None:
    site, word = each_site, uuid4().hex
    number = await handled(site, posts["unit"], withhold_identity=True, original_number=word)
    for post in ("unit", "grid", "platform"):
        shown = await personal(site, number, posts[post])
        assert shown == (WITHOUT_IDENTITY if post != "platform" else MASKED | {"name": None, "phone": None}), post
        assert (await site.get(f"/cases/{number}", posts[post]))["withheld"]
        told = [await site.call("GET", path, posts[post]) for path in ("/cases", f"/cases/{number}/timeline")]
        assert not any(secret in answer.text for answer in told for secret in (NAME, PHONE, "138 1234"))
    for post in ("agent", "dispatcher", "callback", "supervisor", "inspector"):
        assert await personal(site, number, posts[post]) == PERSONAL, post
        assert NOTE in (await site.call("GET", f"/cases/{number}/timeline", posts[post])).text
    assert (await personal(site, number, posts["admin"])) == MASKED


async def test_a_search_does_not_tell_a_unit_whose_case_it_is(each_site: Site, posts: dict[str, str]) -> None:
    site = each_site
    hidden = await site.dispatched(UNIT, **PERSONAL, withhold_identity=True)
    shown = await site.dispatched(UNIT, **PERSONAL)

    async def found(post: str, **query: str) -> set[str]:
        items = (await site.get("/cases", posts[post], limit=200, **query))["items"]
        return {line["number"] for line in items} & {hidden, shown}

    for query in ({"phone": PHONE}, {"q": NAME}, {"q": "138 1234"}, {"q": "停水"}):
        assert await found("unit", **query) == await found("grid", **query) == {shown}, query
        assert await found("agent", **query) == {hidden, shown}
    assert await found("unit", q=hidden) == {hidden}


async def test_posts_that_read_no_personal_data_search_none(each_site: Site, posts: dict[str, str]) -> None:
    for post in ("admin", "integration", "platform"):
        for query in ({"phone": PHONE}, {"q": "停水"}):
            answer = await each_site.call("GET", "/cases", posts[post], params=query)
            assert (answer.status_code, answer.json()["code"]) == (403, "not_your_post"), post
            assert "may not search by phone or q" in answer.json()["detail"]
        assert (await each_site.call("GET", "/cases", posts[post], params={"phone": " "})).status_code == 200


async def test_lists_are_masked_for_everybody(each_site: Site, posts: dict[str, str]) -> None:
    number = await each_site.dispatched(UNIT, **PERSONAL)
    for post, key in posts.items():
        answer = await each_site.call("GET", "/cases", key, params={"limit": 200})
        [line] = [line for line in answer.json()["items"] if line["number"] == number]
        assert line["title"] == (None if post in ("admin", "integration", "platform") else "停水***"), post
        assert not any(word in answer.text for word in (NAME, PHONE, "八栋楼", "138****"))


async def test_no_title_names_the_citizen_in_a_list(site: Site) -> None:
    given = await site.receive(name=NAME, title=f"{NAME}家停水了")
    found = await site.receive(name=NAME, text=f"我是{NAME}，家里水压低", item="water-pressure")
    for number, title in ((given, "***家停水了"), (found, "水压低")):
        [line] = (await site.get("/cases", "dispatcher", q=number))["items"]
        assert line["title"] == title


async def test_whether_it_is_withheld_belongs_to_the_request(site: Site) -> None:
    key, body = str(uuid4()), {"text": "停水"}
    first = await site.call("POST", "/cases", "agent", key=key, json=body | {"withhold_identity": True})
    again = await site.call("POST", "/cases", "agent", key=key, json=body | {"withhold_identity": True})
    other = await site.call("POST", "/cases", "agent", key=key, json=body)
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 422)
    assert other.json()["code"] == "idempotency_key_reused"
