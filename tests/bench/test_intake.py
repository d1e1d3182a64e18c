"""`jiesu bench intake` as a person runs it, with few requests."""

import pytest

from tests.bench.conftest import Bench


@pytest.mark.long
def test_it_measures_both_and_relates_them(bench: Bench) -> None:
    figures = bench("intake", "--requests", "40", "--clients", "4")
    for side in ("durable", "volatile"):
        assert figures[f"sqlite_{side}_per_s"] > 1
        assert 0 < figures[f"sqlite_{side}_p50_ms"] <= figures[f"sqlite_{side}_p99_ms"]
    quotient = figures["sqlite_durable_per_s"] / figures["sqlite_volatile_per_s"]
    assert figures["sqlite_ratio"] == pytest.approx(quotient, rel=0.01)
