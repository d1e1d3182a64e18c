"""The demonstration as its user starts it: one command, real processes, some of them killed while it runs."""

import asyncio
import json
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from settings import ROOT
from tests.ports import free_run


@pytest.mark.long
async def test_the_demo_ends_as_expected_though_worker_engine_and_api_are_killed(tmp_path: Path) -> None:
    environment = _environment(tmp_path)
    demo = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "demo", env=environment, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    assert demo.stdout is not None
    said, killing = b"", None
    try:
        async with asyncio.timeout(170):
            async for line in demo.stdout:
                said += line
                if killing is None and said.count(b" ready in ") == 4:
                    killing = asyncio.create_task(_kill_in_turn(tmp_path / "demo" / "stack.json"))
            status = await demo.wait()
    finally:
        if demo.returncode is None:
            os.killpg(demo.pid, signal.SIGKILL)
            await demo.wait()
    text = said.decode()
    assert killing is not None, text
    assert await killing == ["temporal", "worker", "temporal", "api", "worker"]
    assert status == 0, text
    found = re.search(r"(\d+) of (\d+) cases ended as expected", text)
    assert found is not None, text
    assert found[1] == found[2]
    assert int(found[2]) >= 10
    for words in ("办理时限", "督办单", "推送纪检监察", "不予受理", "/namespaces/default/workflows/ZZ-"):
        assert words in text


async def _kill_in_turn(state: Path) -> list[str]:
    """Kill processes of the stack one after the other; each is back before the next dies."""
    killed = []
    for name in ("temporal", "worker", "temporal", "api", "worker"):
        pid = _processes(state).get(name)
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
            killed.append(name)
        await asyncio.sleep(1.2)
    return killed


def _processes(state: Path) -> dict[str, int]:
    processes: dict[str, int] = json.loads(state.read_text())["processes"]
    return processes


def _environment(home: Path) -> dict[str, str]:
    first = free_run(12)
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("JIESU_", "TEMPORAL_"))},
        "JIESU_HOME": str(home),
        "JIESU_SANDBOX_PORT": str(first),
        "JIESU_API_PORT": str(first + 8),
        "JIESU_TEMPORAL_PORT": str(first + 9),
        "JIESU_TEMPORAL_UI_PORT": str(first + 10),
    }


@pytest.mark.parametrize("variable", ["JIESU_API_PORT", "JIESU_TEMPORAL_PORT", "JIESU_SANDBOX_PORT"])
async def test_a_busy_port_is_one_clear_sentence(tmp_path: Path, variable: str) -> None:
    environment = _environment(tmp_path)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", int(environment[variable]))
    async with server:
        up = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", "up", env=environment, cwd=ROOT,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, complaint = await asyncio.wait_for(up.communicate(), 60)
    assert up.returncode == 2
    assert complaint.decode().count("\n") == 1
    assert f"Port {environment[variable]}" in complaint.decode()
    assert variable in complaint.decode()


async def test_a_malformed_city_is_named_before_anything_starts(tmp_path: Path) -> None:
    cities = tmp_path / "cities"
    folder = cities / "zhengzhou"
    folder.mkdir(parents=True)
    for file in (ROOT / "cities" / "zhengzhou").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    rulebook = folder / "rulebook.toml"
    rulebook.write_text(rulebook.read_text().replace('limit = "3wd"', 'limit = "three days"', 1))
    up = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "up",
        env={**_environment(tmp_path), "JIESU_CITIES": str(cities)}, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, complaint = await asyncio.wait_for(up.communicate(), 60)
    assert up.returncode == 2
    assert b"starting" not in said
    assert "rulebook.toml" in complaint.decode()
    assert "categories.consultation.limit" in complaint.decode()
