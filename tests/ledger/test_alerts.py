"""Readings become alerts, and what cannot be one is refused; on both databases."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.alerts import Became
from ledger.cases import opening
from ledger.database import Ledger
from ledger.refused import refusal_counts
from ledger.tables import ALERTS
from tests.ledger.alerting import NOW, became, cases, how_many, reading, take


async def test_so_many_readings_as_the_kind_wants_confirm_and_open_a_case(alerts: Ledger) -> None:
    assert await became(alerts, reading(), reading(minutes=1), reading(minutes=2)) == [
        "recorded",
        "joined",
        "confirmed",
    ]
    [case] = await cases(alerts)
    assert (case.category, case.channel, case.item, case.phone) == ("proactive", "sensor", "water-leak", None)
    assert (case.ordered, case.grid, case.address) == (["zz-water"], "zz-g-badonglou", "八栋楼3号院")
    assert "P-1" in case.text
    assert "3次" in case.text
    assert opening(case).ordered == ["zz-water"]


async def test_readings_too_far_apart_confirm_nothing(alerts: Ledger) -> None:
    apart = [reading(minutes=minutes) for minutes in (0, 121, 242)]
    assert await became(alerts, *apart) == ["recorded", "joined", "joined"]
    assert await became(alerts, reading(minutes=250), reading(minutes=260)) == ["joined", "confirmed"]


async def test_one_value_bad_enough_confirms_by_itself(alerts: Ledger) -> None:
    [outcome] = await take(alerts, reading(value=61))
    assert (outcome.became, outcome.opened) == (Became.CONFIRMED, True)


async def test_the_same_alert_a_thousand_times_is_one_alert_and_one_case(alerts: Ledger) -> None:
    for begun in range(0, 1000, 250):
        await take(alerts, *(reading(minutes=n / 100) for n in range(begun, begun + 250)))
    assert await how_many(alerts) == 1
    assert len(await cases(alerts)) == 1
    [readings] = await alerts.run(lambda connection: connection.scalars(select(ALERTS.c.readings)).all())
    assert readings == 1000


async def test_an_event_that_comes_twice_changes_nothing(alerts: Ledger) -> None:
    same = reading(value=70)
    assert await became(alerts, same, same) == ["confirmed", "repeated"]
    [again] = await take(alerts, same)
    assert (again.became, again.case) == (Became.REPEATED, (await cases(alerts))[0].number)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"asset": "nobody"}, "unknown_asset"),
        ({"kind": "earthquake"}, "unknown_type"),
        ({"at": NOW + timedelta(days=10)}, "from_the_future"),
        ({"at": NOW - timedelta(days=2)}, "too_old"),
    ],
)
async def test_what_cannot_be_taken_is_refused_counted_and_kept(
    alerts: Ledger, fault: dict[str, Any], code: str
) -> None:
    outcomes = await take(alerts, reading(**fault), reading(value=70))
    assert [(outcome.became.value, outcome.code) for outcome in outcomes] == [("refused", code), ("confirmed", None)]
    async with alerts.session() as session:
        [counted] = await refusal_counts(session)
    assert (counted.source, counted.reason, counted.count) == ("events", code, 1)


async def test_a_unit_speaks_for_its_own_assets_only(alerts: Ledger) -> None:
    [outcome] = await take(alerts, reading("H-1", value=70), units={"zz-water"}, source="mqtt")
    assert outcome.code == "unknown_asset"


async def test_nobody_silences_the_asset_of_another_with_its_source_and_id(alerts: Ledger) -> None:
    theirs: dict[str, Any] = {"source": "/heat", "id": "17"}
    assert await became(alerts, reading(value=70, **theirs), units={"zz-water"}) == ["confirmed"]
    assert await became(alerts, reading("H-1", value=70, **theirs), units={"zz-heat"}) == ["confirmed"]


async def test_nothing_taken_in_is_nothing(alerts: Ledger) -> None:
    assert await take(alerts) == []
