"""Large messages: only so many are received at once, and none of those that cannot be right."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator

import pytest

from api import webhooks
from tests.api.conftest import Site
from tests.api.unit import NOBODYS, counted, headers, message, post, report


async def test_a_huge_body_is_not_read(site: Site) -> None:
    body, was = message("order.result", NOBODYS, text="x" * 200_000), await counted(site)
    assert (await post(site, body, headers(body, "m-1"))).status_code == 413
    assert await counted(site) == was | {"request_entity_too_large": was.get("request_entity_too_large", 0) + 1}


async def begin(site: Site, path: str, headers: dict[str, str], begun: bytes) -> tuple[StreamReader, StreamWriter]:
    """Send a message of 5.9 MB, of which the rest never comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)
    head = {"Host": "127.0.0.1", "Content-Length": "5900000", **headers}
    writer.write(f"POST {path} HTTP/1.1\r\n".encode())
    writer.write("".join(f"{name}: {value}\r\n" for name, value in head.items()).encode() + b"\r\n" + begun)
    return reader, writer


async def status_of(reader: StreamReader) -> int:
    async with asyncio.timeout(15):
        return int((await reader.readline()).split()[1])


@pytest.mark.parametrize(("partner", "ago"), [("110", 301), ("nobody", 0)])
async def test_what_cannot_be_right_is_refused_before_it_is_received(site: Site, partner: str, ago: int) -> None:
    signed = headers(b"x", "m-1", by="110", ago=ago)
    reader, writer = await begin(site, f"/webhooks/partners/{partner}", signed, b"begun" * 5000)
    assert await status_of(reader) == 401
    writer.close()
    source = "partners" if partner == "nobody" else "partner:110"
    kept = (await site.get("/refused", "supervisor", source=source, limit=1))["messages"][0]
    assert kept["body"].startswith("begunbegun")


async def test_only_so_many_large_messages_are_received_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "MOST_LARGE", 2)
    monkeypatch.setattr(webhooks, "MOST_OF_ONE", 1)

    async def begun_from(address: str) -> tuple[StreamReader, StreamWriter]:
        signed = headers(b"x", "m-1", by="110") | {"X-Forwarded-For": address}
        return await begin(site, "/webhooks/partners/110", signed, b"x" * webhooks.LARGE)

    async def received(count: int) -> None:
        async with asyncio.timeout(15):
            while len(webhooks._receiving) != count:  # noqa: ASYNC110 (it is another thread's)
                await asyncio.sleep(0.01)

    _, first = await begun_from("203.0.113.1")
    await received(1)
    answer, refused = await begun_from("203.0.113.1")
    assert await status_of(answer) == 429
    _, second = await begun_from("203.0.113.2")
    await received(2)
    answer, third = await begun_from("203.0.113.3")
    assert await status_of(answer) == 429
    for writer in (first, refused, second, third):
        writer.close()
    await received(0)


async def test_a_message_that_does_not_say_how_long_it_is_takes_no_place_unless_it_is_large(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "MOST_LARGE", 0)
    body = message("order.signed_in", NOBODYS)

    async def in_parts() -> AsyncIterator[bytes]:
        yield body[:20]
        yield body[20:]

    sent = headers(body, "m-1")
    answer = await site.call("POST", "/webhooks/units/zz-water", content=in_parts(), headers=sent)
    assert answer.status_code == 404


async def test_who_hangs_up_in_the_middle_is_no_error_of_ours(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    reader, writer = await begin(site, "/webhooks/partners/110", headers(b"x", "m-1", by="110"), b"begun")
    writer.write_eof()
    async with asyncio.timeout(15):
        await reader.read()
    writer.close()
    await report(site, "order.signed_in", NOBODYS)
    assert [record.message for record in caplog.records if record.name == "jiesu.api"] == []
