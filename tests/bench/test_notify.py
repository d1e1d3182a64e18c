"""`jiesu bench notify` as a person runs it, with few cases."""

import pytest

from tests.bench.conftest import Bench


@pytest.mark.long
def test_it_measures_both_kinds_of_turn_and_relates_them(bench: Bench) -> None:
    figures = bench("notify", "--cases", "10", "--per-second", "5")
    for turn in ("all_well", "two_faulty"):
        for unit in ("water", "heat", "office", "together"):
            assert 0 < figures[f"{turn}_{unit}_p50_ms"] <= figures[f"{turn}_{unit}_p99_ms"]
    quotient = figures["two_faulty_together_p50_ms"] / figures["all_well_together_p50_ms"]
    assert figures["ratio_p50"] == pytest.approx(quotient, rel=0.01)
    assert figures["waiting_at_end"] > 0
