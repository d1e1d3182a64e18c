"""When people are told that a system is down: once it is sure, and daily after that."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.partners import Partner
from domain.systems import by_system, receivers, report_due
from domain.units import Unit

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("failures", "after", "due"),
    [
        (1, 59 * SECOND, False),
        (1, 60 * SECOND, True),
        (2, timedelta(0), False),
        (3, timedelta(0), True),
    ],
)
def test_it_is_reported_after_a_minute_or_three_failures(failures: int, after: timedelta, due: bool) -> None:
    assert report_due(NOON, failures, None, NOON + after) is due


@pytest.mark.parametrize(("after", "due"), [(timedelta(days=1) - SECOND, False), (timedelta(days=1), True)])
def test_it_is_reported_again_daily(after: timedelta, due: bool) -> None:
    assert report_due(NOON - timedelta(days=9), 99, NOON, NOON + after) is due


def test_a_partner_may_share_a_system_with_units() -> None:
    water = Unit(code="zz-a", name="水", kind="water", reach="webhook", endpoint="JIESU_ENDPOINT_OFFICE", secret="S")
    takes: Any = {"takes": True, "phone": "110", "source": "ours"}
    police = Partner(
        code="110", name="110", kind="emergency", reach="webhook", endpoint="JIESU_ENDPOINT_OFFICE", secret="S", **takes
    )
    phoned = Partner(code="119", name="119", kind="emergency", **takes)
    assert by_system([water], [police, phoned]) == {"office": (water, police)}
    named = {"office": [("unit", "zz-a"), ("partner", "110")]}
    assert receivers({"office": (water, police)}) == named | {"grid-platform": "grid", "sms-gateway": "citizen"}


def test_units_that_name_the_same_endpoint_share_a_system() -> None:
    own: Any = {"kind": "district", "reach": "webhook", "secret": "S"}
    office = [Unit(code=code, name="区", endpoint="JIESU_ENDPOINT_OFFICE", **own) for code in ("zz-a", "zz-b")]
    other = Unit(code="zz-c", name="区", endpoint="DISTRICT_C", **own)
    people = Unit(code="zz-d", name="区", kind="district")
    assert by_system([office[0], people, other, office[1]]) == {"office": tuple(office), "district_c": (other,)}
