"""However readings come, in whatever order: one open alert of an asset and kind, one open case of a place."""

from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, StaticPool, create_engine, delete, func, insert, select
from sqlmodel import SQLModel

from domain.city import load_city
from domain.events import Outcome, Status, Summary
from domain.readings import Reading
from ledger.alert_endings import end_alerts, untold
from ledger.alerts import take_in
from ledger.tables import ALERTS, ASSETS, CASES, SENSOR_EVENTS
from settings import Settings

CITY = load_city(Settings().city_folder)
NOW = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
ENGINE = create_engine("sqlite://", poolclass=StaticPool)
SQLModel.metadata.create_all(ENGINE)
ROUNDS = count()

EVENTS = st.tuples(st.sampled_from("AB"), st.integers(0, 90), st.booleans(), st.booleans())
"""Asset, minute, whether all is well, whether it is bad enough by itself."""


def read(event: tuple[str, int, bool, bool], round: int) -> Reading:
    asset, minute, well, bad = event
    value = None if well else 70.0 if bad else 45.0
    at, name = NOW - timedelta(minutes=minute), f"{round}-{asset}-{minute}-{well}-{bad}"
    return Reading(source="/t", id=name, kind="leak-noise", recovered=well, asset=asset, at=at, value=value)


def close_what_is_well(connection: Connection) -> None:
    for case, at in untold(connection, NOW + timedelta(days=1), 10):
        closing = Summary(
            number=case,
            status=Status.CLOSED,
            outcome=Outcome.RECOVERED,
            category="proactive",
            closed_at=at,
            last_event=3,
        )
        end_alerts(connection, closing)
        connection.execute(CASES.update().where(CASES.c.number == case).values(closed_at=at))


def check(connection: Connection) -> None:
    unended = ALERTS.c.ended_at.is_(None)
    doubled = select(ALERTS.c.asset).where(unended).group_by(ALERTS.c.asset).having(func.count() > 1)
    assert connection.execute(doubled).all() == []
    assert (connection.scalar(select(func.count()).select_from(CASES).where(CASES.c.closed_at.is_(None))) or 0) <= 1
    caseless = ALERTS.c.confirmed_at.is_not(None) & ALERTS.c.case_number.is_(None)
    assert connection.execute(select(ALERTS).where(unended & caseless)).all() == []


@settings(max_examples=60)
@given(st.lists(st.lists(EVENTS, min_size=1, max_size=6), max_size=8))
def test_there_is_never_a_second_open_alert_or_case(batches: list[list[tuple[str, int, bool, bool]]]) -> None:
    round = next(ROUNDS)
    with ENGINE.begin() as connection:
        for table in (SENSOR_EVENTS, ALERTS, CASES, ASSETS):
            connection.execute(delete(table))
        place = {"kind": "device", "unit": "zz-water", "grid": "zz-g-badonglou", "vulnerable": []}
        connection.execute(insert(ASSETS), [{"code": code, **place} for code in "AB"])
    for batch in batches:
        with ENGINE.begin() as connection:
            take_in(connection, CITY, [read(event, round) for event in batch], NOW)
            check(connection)
            close_what_is_well(connection)
            check(connection)
