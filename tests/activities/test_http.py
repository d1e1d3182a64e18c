"""Calls to outside systems: what is tried again, what is not, and what an answer may look like."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from temporalio.exceptions import ApplicationError

from activities.http import LONGEST_ANSWER, ask_for, http_client, post

BODY = {"phone": "13812345678"}
Post = Callable[[], Coroutine[Any, Any, dict[str, Any]]]
Answer = Callable[[web.Response], Post]


@pytest.fixture
async def answered() -> AsyncIterator[Answer]:
    """Posts to a party that gives a certain answer."""
    answers: list[web.Response] = []
    keys: list[str] = []

    async def party(request: web.Request) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        return answers[-1]

    app = web.Application()
    app.router.add_post("/orders", party)
    async with TestServer(app) as server, http_client() as client:

        def prepare(answer: web.Response) -> Post:
            answers.append(answer)
            return lambda: post(client, str(server.make_url("/orders")), "key-1", BODY)

        yield prepare
    assert set(keys) == {"key-1"}


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ({"json": {"id": "7"}, "status": 201}, {"id": "7"}),
        ({"status": 204}, {}),
        ({"text": "accepted"}, {}),
        ({"text": "[1]", "content_type": "application/json"}, {}),
        ({"text": "[" * 100_000, "content_type": "application/json"}, {}),
        ({"body": b"{}", "headers": {"Content-Type": "application/json; charset=nonsense"}}, {}),
        ({"text": '{"id": "7"}' + " " * LONGEST_ANSWER, "content_type": "application/json"}, {}),
    ],
)
async def test_what_is_accepted_is_accepted_whatever_the_answer_looks_like(
    answered: Answer, response: dict[str, Any], answer: dict[str, Any]
) -> None:
    made = web.json_response(response.pop("json"), **response) if "json" in response else web.Response(**response)
    assert await answered(made)() == answer


@pytest.mark.parametrize(
    ("status", "again"),
    [(status, True) for status in (302, 401, 403, 404, 405, 407, 408, 421, 426, 429, 503)]
    + [(status, False) for status in (400, 409, 410, 413, 415, 422)],
)
async def test_a_refusal_is_final_and_a_failure_is_not(answered: Answer, status: int, again: bool) -> None:
    with pytest.raises(ApplicationError) as failed:
        await answered(web.Response(status=status))()
    assert (failed.value.type, failed.value.non_retryable) == (f"http_{status}", not again)
    assert BODY["phone"] not in str(failed.value)


async def test_nothing_goes_where_a_redirection_points() -> None:
    asked: list[str] = []

    async def party(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", party)
    async with TestServer(app) as server, http_client() as client:
        with pytest.raises(ApplicationError) as failed:
            await post(client, str(server.make_url("/orders")), "key-1", BODY)
    assert (failed.value.type, asked) == ("http_307", ["/orders"])


async def test_no_party_is_told_what_another_asked_us_to_remember() -> None:
    brought: list[str] = []

    async def party(request: web.Request) -> web.Response:
        brought.extend(request.cookies)
        return web.Response(headers={"Set-Cookie": f"session-{len(brought)}=1"})

    app = web.Application()
    app.router.add_post("/orders", party)
    async with TestServer(app) as server, http_client() as client:
        for _ in range(2):
            # Nobody keeps cookies of an address in numbers.
            await post(client, f"http://localhost:{server.port}/orders", "key-1", BODY)
    assert brought == []


@pytest.mark.parametrize("headers", [{"Content-Length": "100"}, {"Content-Encoding": "gzip"}])
async def test_what_is_accepted_is_accepted_though_the_answer_breaks_off(headers: dict[str, str]) -> None:
    async def party(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await response.write(b"{}")
        if request.transport is not None:
            request.transport.close()
        return response

    app = web.Application()
    app.router.add_post("/orders", party)
    async with TestServer(app) as server, http_client() as client:
        assert await post(client, str(server.make_url("/orders")), "key-1", BODY) == {}
        with pytest.raises(ApplicationError) as failed:
            await ask_for(client, "POST", str(server.make_url("/orders")))
    assert (failed.value.type, failed.value.non_retryable) == ("unreachable", False)


async def test_an_answer_is_read_no_further_than_it_may_be_long() -> None:
    sent = [0]

    async def party(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while sent[0] < 100:
                await response.write(b" " * LONGEST_ANSWER)
                sent[0] += 1
        except ConnectionError:
            pass
        return response

    app = web.Application()
    app.router.add_post("/orders", party)
    async with TestServer(app) as server, http_client() as client:
        assert await post(client, str(server.make_url("/orders")), "key-1", BODY) == {}
        await asyncio.sleep(0.1)
    assert sent[0] < 50


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("120", timedelta(minutes=2)),
        ("86400", timedelta(days=1)),
        ("86401", None),
        ("9" * 5000, None),
        ("0", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 2099 07:28:00 GMT", None),
        ("Wed, 21 Oct 99999999999999 07:28:00 GMT", None),
    ],
)
async def test_a_busy_party_names_its_pause(answered: Answer, header: str, pause: timedelta | None) -> None:
    with pytest.raises(ApplicationError) as failed:
        await answered(web.Response(status=503, headers={"Retry-After": header}))()
    assert failed.value.next_retry_delay == pause


async def test_a_busy_party_names_a_date(answered: Answer) -> None:
    until = datetime.now(UTC) + timedelta(minutes=5)
    with pytest.raises(ApplicationError) as failed:
        await answered(web.Response(status=429, headers={"Retry-After": format_datetime(until, usegmt=True)}))()
    assert failed.value.next_retry_delay is not None
    assert timedelta(minutes=5) - failed.value.next_retry_delay < timedelta(seconds=5)


async def test_who_keeps_many_waiting_takes_no_connection_from_others() -> None:
    hanging, done = asyncio.Semaphore(0), asyncio.Event()

    async def party(request: web.Request) -> web.Response:
        if request.path == "/hang":
            hanging.release()
            await done.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/{path}", party)
    async with TestServer(app) as server, http_client() as client, asyncio.TaskGroup() as group:
        for _ in range(120):
            group.create_task(post(client, str(server.make_url("/hang")), "key-1", BODY))
        for _ in range(100):
            await hanging.acquire()
        async with asyncio.timeout(15):
            assert await post(client, str(server.make_url("/orders")), "key-1", BODY) == {}
        done.set()


async def test_whose_names_nobody_resolves_keep_no_other_party_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolve, done = socket.getaddrinfo, threading.Event()

    def hang(host: str, *args: Any, **kwargs: Any) -> Any:
        if host != "localhost":
            done.wait()
        return resolve("localhost", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    app = web.Application()
    app.router.add_post("/orders", lambda _: asyncio.sleep(0, web.Response()))
    async with TestServer(app) as server, http_client() as client, asyncio.TaskGroup() as group:
        for n in range(40):
            group.create_task(post(client, f"http://unit-{n}:{server.port}/orders", "key-1", BODY))
        await asyncio.sleep(0.1)
        try:
            async with asyncio.timeout(15):
                assert await post(client, f"http://localhost:{server.port}/orders", "key-1", BODY) == {}
        finally:
            done.set()


@pytest.mark.parametrize("url", ["http://us:hidden@127.0.0.1:1/orders", "no address", "http://../orders"])
async def test_a_party_that_is_not_there_is_tried_again(url: str) -> None:
    async with http_client() as client:
        with pytest.raises(ApplicationError) as failed:
            await post(client, url, "key-1", BODY)
    assert (failed.value.type, failed.value.non_retryable) == ("unreachable", False)
    assert "hidden" not in str(failed.value)
