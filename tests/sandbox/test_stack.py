"""The supervisor, over small stand-in processes."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from sandbox import system
from sandbox.stack import Process, Restarts, Stack, StackError
from sandbox.supervisor import Port, answers
from settings import Settings
from temporal import embedded
from tests.ports import free_ports

# Serves HTTP on a port, notes in a file that it ended on SIGTERM.
SERVER = """
import http.server, signal, sys
name, port, notes = sys.argv[1:]
def end(*_):
    open(notes, "a").write(name + "\\n")
    raise SystemExit
signal.signal(signal.SIGTERM, end)
http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
# A supervisor of two processes, for tests that end it from outside.
SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from sandbox.stack import Process, Stack
from settings import Settings
async def main():
    sleepers = [Process(name, name, ["sleep", "60"]) for name in ("one", "two")]
    async with Stack(Settings(home=Path(sys.argv[1])), processes=sleepers) as stack:
        print(*stack.pids().values(), flush=True)
        await stack.wait()
asyncio.run(main())
"""


def server(name: str, port: int, notes: Path) -> Process:
    command = [sys.executable, "-c", SERVER, name, str(port), str(notes)]
    ports = [Port(port, name, "JIESU_API_PORT")]
    return Process(name, name, command, ready=answers(f"http://127.0.0.1:{port}/"), ports=ports)


def sleeper(name: str) -> Process:
    return Process(name, name, ["sleep", "60"])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until(truth: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while True:
            if await truth():
                return
            await asyncio.sleep(0.02)


def start_supervisor(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(home)], stdout=subprocess.PIPE)


async def test_starts_and_stops_in_order(tmp_path: Path) -> None:
    one, two = free_ports(2)
    notes = tmp_path / "notes"
    said: list[str] = []

    async def prepare() -> None:
        assert await answers(f"http://127.0.0.1:{one}/")()
        assert not await answers(f"http://127.0.0.1:{two}/")()

    settings = Settings(home=tmp_path)
    processes = [server("one", one, notes), server("two", two, notes)]
    async with Stack(settings, prepare=prepare, progress=said.append, processes=processes) as stack:
        state = json.loads((tmp_path / "stack.json").read_text())
        assert state == {"pid": os.getpid(), "processes": stack.pids(), "urls": system.urls(settings)}
        assert list(stack.pids()) == ["one", "two"]
    assert notes.read_text().split() == ["two", "one"]
    assert stack.pids() == {}
    assert not (tmp_path / "stack.json").exists()
    assert [line.rsplit(" in ")[0] for line in said] == [
        "starting one …",
        "one ready",
        "preparing …",
        "prepared",
        "starting two …",
        "two ready",
    ]


async def test_all_but_the_engine_start_at_the_same_time_and_end_in_reverse_order(tmp_path: Path) -> None:
    """Each of two is ready only once the other runs; the engine is ready before either starts."""
    script = """
import pathlib, signal, sys, time
home, mine, other = pathlib.Path(sys.argv[1]), *sys.argv[2:]
def end(*_):
    with open(home / "ended", "a") as notes:
        print(mine, file=notes)
    raise SystemExit
signal.signal(signal.SIGTERM, end)
(home / mine).touch()
while not (home / other).exists():
    time.sleep(0.01)
(home / f"{mine}.ready").touch()
time.sleep(60)
"""
    names = (("engine", "engine"), ("one", "two"), ("two", "one"))
    processes = [
        Process(
            name, name, [sys.executable, "-c", script, str(tmp_path), name, other],
            marker=tmp_path / f"{name}.ready", patience=10,
        )
        for name, other in names
    ]  # fmt: skip
    said: list[str] = []
    async with Stack(Settings(home=tmp_path), progress=said.append, processes=processes):
        pass
    assert [line.rsplit(" in ")[0] for line in said][:4] == [
        "starting engine …", "engine ready", "starting one …", "starting two …",
    ]  # fmt: skip
    assert (tmp_path / "ended").read_text().split() == ["two", "one", "engine"]


async def test_restarts_what_was_killed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    port = free_ports(1)[0]
    async with Stack(Settings(home=tmp_path), processes=[server("one", port, tmp_path / "notes")]) as stack:
        before = stack.pids()["one"]

        async def replaced() -> bool:
            return stack.pids().get("one", before) != before

        os.kill(before, signal.SIGKILL)
        await until(replaced)
        await until(answers(f"http://127.0.0.1:{port}/"))
        assert json.loads((tmp_path / "stack.json").read_text())["processes"] == stack.pids()
    assert "one ended (SIGKILL); restarting in 0.2 s" in caplog.messages


async def test_gives_up_on_what_keeps_dying(tmp_path: Path) -> None:
    broken = Process("broken", "broken thing", [sys.executable, "-c", "raise SystemExit('no such table')"])
    hurried = Restarts(first=0.01, longest=0.02, deaths=4)
    with pytest.raises(StackError, match=r"broken thing ended 4 times within 30 s; stopping\.(?s:.*)no such table"):
        async with Stack(Settings(home=tmp_path), processes=[sleeper("one"), broken], restarts=hurried) as stack:
            await stack.wait()
    assert stack.pids() == {}


async def test_says_what_did_not_become_ready(tmp_path: Path) -> None:
    """It says so at once, whatever the others still wait for."""
    deaf = Process("deaf", "deaf thing", ["sleep", "60"], marker=tmp_path / "never", patience=0.2)
    patient = Process("patient", "patient thing", ["sleep", "60"], marker=tmp_path / "never")
    stack = Stack(Settings(home=tmp_path), processes=[sleeper("one"), patient, deaf])
    with pytest.raises(StackError, match=r"deaf thing was not ready after 0\.2 s"):
        await stack.start()
    assert stack.pids() == {}


async def test_interrupted_start_leaves_nothing(tmp_path: Path) -> None:
    deaf = Process("deaf", "deaf thing", ["sleep", "60"], marker=tmp_path / "never")
    before = signal.getsignal(signal.SIGTERM)
    stack = Stack(Settings(home=tmp_path), processes=[sleeper("one"), deaf])
    starting = asyncio.create_task(stack.start())

    async def both() -> bool:
        return len(stack.pids()) == 2

    await until(both)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(StackError, match="Stopped before everything was up"):
        await starting
    assert stack.pids() == {}
    assert signal.getsignal(signal.SIGTERM) == before


async def test_stale_marker_does_not_count(tmp_path: Path) -> None:
    marker = tmp_path / "worker.ready"
    marker.touch()
    script = f"import pathlib, time; time.sleep(0.3); pathlib.Path({str(marker)!r}).touch(); time.sleep(60)"
    worker = Process("worker", "worker", [sys.executable, "-c", script], marker=marker)
    started = time.monotonic()
    async with Stack(Settings(home=tmp_path), processes=[worker]):
        assert time.monotonic() - started >= 0.3


async def test_kills_what_will_not_end(tmp_path: Path) -> None:
    marker = tmp_path / "ready"
    script = (
        "import pathlib, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(marker)!r}).touch(); time.sleep(60)"
    )
    stubborn = Process("stubborn", "stubborn", [sys.executable, "-c", script], marker=marker)
    async with Stack(Settings(home=tmp_path), processes=[stubborn], grace=0.2) as stack:
        pid = stack.pids()["stubborn"]
    assert not alive(pid)


async def test_second_stack_is_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    async with Stack(settings, processes=[sleeper("one")]):
        with pytest.raises(StackError, match=rf"already running here \(process {os.getpid()}\).*JIESU_HOME"):
            await Stack(settings, processes=[sleeper("two")]).start()
        assert (tmp_path / "stack.json").exists()
    async with Stack(settings, processes=[sleeper("two")]):
        pass


async def test_busy_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        stack = Stack(Settings(home=tmp_path), processes=[server("API", port, tmp_path / "notes")])
        sentence = rf"Port {port} \(API\) is already in use by another program; free it or set JIESU_API_PORT\."
        with pytest.raises(StackError, match=sentence):
            await stack.start()
    assert not (tmp_path / "stack.json").exists()


async def test_surviving_engine_is_respected(tmp_path: Path) -> None:
    with embedded.hold(tmp_path), pytest.raises(StackError, match="Temporal server is already running"):
        await Stack(Settings(home=tmp_path)).start()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_nothing_outlives_the_supervisor(tmp_path: Path, sign: signal.Signals) -> None:
    pids: list[int] = []

    async def gone() -> bool:
        return not any(map(alive, pids))

    with start_supervisor(tmp_path) as supervisor:
        assert supervisor.stdout is not None
        pids += [int(word) for word in supervisor.stdout.readline().split()]
        assert all(map(alive, pids))
        supervisor.send_signal(sign)
        code = supervisor.wait(timeout=60)
    assert code == (-signal.SIGKILL if sign is signal.SIGKILL else 0)
    await until(gone)
    async with Stack(Settings(home=tmp_path), processes=[sleeper("one")]):
        pass


async def test_environment_names_everyone(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, api_port=18000, sandbox_port=18600, temporal_port=17233)
    environment = system.environment(settings)
    assert environment["JIESU_HOME"] == str(tmp_path)
    assert environment["JIESU_API_URL"] == "http://127.0.0.1:18000"
    assert environment["TEMPORAL_ADDRESS"] == "127.0.0.1:17233"
    assert environment["JIESU_ENDPOINT_WATER"] == "http://127.0.0.1:18601"
    assert environment["JIESU_ENDPOINT_OFFICE"] == "http://127.0.0.1:18607"
    assert environment["JIESU_SANDBOX_KEYS"] == str(tmp_path / "sandbox-keys.json")
    assert environment["JIESU_SECRET_WATER"].startswith("whsec_")
    assert environment["JIESU_SECRET_WATER"] != environment["JIESU_SECRET_GAS"]
    assert system.environment(settings) == environment
    assert (tmp_path / "sandbox-secrets.json").stat().st_mode & 0o777 == 0o600
    assert "JIESU_DATABASE_URL" not in environment


async def test_its_home_is_for_our_own_user_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with Stack(Settings(home=home), processes=[sleeper("one")]):
        assert home.stat().st_mode & 0o777 == 0o700
