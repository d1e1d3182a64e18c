"""`jiesu bench intake` as a person runs it, with few requests."""

import json
import os
import subprocess
import sys

import pytest

from settings import ROOT
from tests.ports import free_run


@pytest.mark.long
def test_it_measures_both_and_relates_them() -> None:
    first = free_run(11)
    names = ("SANDBOX_PORT", "API_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")
    ports = dict(zip(names, (first, first + 8, first + 9, first + 10), strict=True))
    environment = os.environ | {f"JIESU_{name}": str(port) for name, port in ports.items()}
    command = [sys.executable, "-m", "cli", "bench", "intake", "--requests", "40", "--clients", "4", "--json"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=180)
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)
    for side in ("durable", "volatile"):
        assert figures[f"sqlite_{side}_per_s"] > 1
        assert 0 < figures[f"sqlite_{side}_p50_ms"] <= figures[f"sqlite_{side}_p99_ms"]
    quotient = figures["sqlite_durable_per_s"] / figures["sqlite_volatile_per_s"]
    assert figures["sqlite_ratio"] == pytest.approx(quotient, rel=0.01)
