"""`jiesu bench notify` as a person runs it, with few cases."""

import json
import os
import subprocess
import sys

import pytest

from settings import ROOT
from tests.ports import free_run


@pytest.mark.long
def test_it_measures_both_kinds_of_turn_and_relates_them() -> None:
    first = free_run(11)
    names = ("SANDBOX_PORT", "API_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")
    ports = dict(zip(names, (first, first + 8, first + 9, first + 10), strict=True))
    environment = os.environ | {f"JIESU_{name}": str(port) for name, port in ports.items()}
    command = [sys.executable, "-m", "cli", "bench", "notify", "--cases", "10", "--per-second", "5", "--json"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240)
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)
    for turn in ("all_well", "two_faulty"):
        for unit in ("water", "heat", "office", "together"):
            assert 0 < figures[f"{turn}_{unit}_p50_ms"] <= figures[f"{turn}_{unit}_p99_ms"]
    quotient = figures["two_faulty_together_p50_ms"] / figures["all_well_together_p50_ms"]
    assert figures["ratio_p50"] == pytest.approx(quotient, rel=0.01)
    assert figures["waiting_at_end"] > 0
