"""How the API serves its connections."""

import asyncio

from tests.api.conftest import Site

PAUSE = 6
"""Seconds: longer than uvicorn alone keeps a connection, shorter than any proxy does."""


async def test_a_connection_that_was_idle_for_a_while_takes_the_next_request(site: Site) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.api.port)

    async def status() -> bytes:
        writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        return head.split()[1]

    assert await status() == b"200"
    await asyncio.sleep(PAUSE)
    assert await status() == b"200"
    writer.close()
    await writer.wait_closed()
