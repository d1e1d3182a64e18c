"""Traces reach a real collector over HTTP, and nothing is traced without one."""

from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from temporal import embedded
from temporal.connection import connect
from temporal.tracing import COLLECTOR, interceptors, start_tracing
from tests.keys import KEYRING


async def test_without_a_collector_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COLLECTOR, raising=False)
    assert start_tracing("test") is None
    assert list(interceptors()) == []


async def test_a_started_case_is_a_span_at_the_collector(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    start_server: Callable[[Path, embedded.Hold], Awaitable[Any]],
) -> None:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path.encode() + self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    collector = HTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=collector.serve_forever, daemon=True).start()
    monkeypatch.setenv(COLLECTOR, f"http://127.0.0.1:{collector.server_port}")
    with embedded.hold(tmp_path) as hold:
        server = await start_server(tmp_path, hold)
        tracing = start_tracing("jiesu-test")
        assert tracing is not None
        client = await connect(KEYRING, {"TEMPORAL_ADDRESS": server.address})
        await client.start_workflow("Case", id="ZZ-20261121-00001", task_queue="nobody")
        tracing.shutdown()
    collector.shutdown()
    collector.server_close()
    assert any(b"/v1/traces" in body and b"StartWorkflow:Case" in body and b"jiesu-test" in body for body in received)
