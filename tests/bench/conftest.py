"""Measurements as a person starts them, on ports of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from settings import ROOT
from tests.ports import free_run

Bench = Callable[..., dict[str, float]]


@pytest.fixture
def bench() -> Bench:
    """Call it with the words after `jiesu bench` for the figures."""

    def run(*words: str) -> dict[str, float]:
        first = free_run(11)
        names = ("SANDBOX_PORT", "API_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")
        ports = dict(zip(names, (first, first + 8, first + 9, first + 10), strict=True))
        environment = os.environ | {f"JIESU_{name}": str(port) for name, port in ports.items()}
        command = [sys.executable, "-m", "cli", "bench", *words, "--json"]
        ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
        assert ended.returncode == 0, ended.stderr
        figures: dict[str, float] = json.loads(ended.stdout)
        return figures

    return run
