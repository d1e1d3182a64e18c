"""The short version of `jiesu chaos`: each kind of process is killed under load, and nothing is lost or comes twice."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from settings import ROOT
from tests.ports import free_run


@pytest.mark.long
async def test_kills_of_every_process_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    first = free_run(12)
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("JIESU_", "TEMPORAL_"))},
        "JIESU_HOME": str(tmp_path),
        "JIESU_SANDBOX_PORT": str(first),
        "JIESU_API_PORT": str(first + 8),
        "JIESU_TEMPORAL_PORT": str(first + 9),
        "JIESU_TEMPORAL_UI_PORT": str(first + 10),
    }
    chaos = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cli", "chaos", "--cases", "25", "--kills", "4", "--seed", "12345",
        env=environment, cwd=ROOT, start_new_session=True,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(240):
            said, _ = await chaos.communicate()
    finally:
        if chaos.returncode is None:
            os.killpg(chaos.pid, signal.SIGKILL)
            await chaos.wait()
    text = said.decode()
    assert chaos.returncode == 0, text
    assert "nothing lost, nothing twice" in text
    for victim in ("worker", "api", "temporal", "postgres"):
        assert f"kill -9 {victim}" in text
