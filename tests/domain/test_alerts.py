"""When an alert is confirmed, well again or forgotten, by the tables of the city and in any order of readings."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.alerts import Alert, untimely
from domain.city import load_city
from domain.errors import ConfigError
from domain.grids import Grid
from domain.readings import Reading
from domain.sensors import Confirmation, Kind, load_sensors

CITY = load_city(Path(__file__).parents[2] / "cities" / "zhengzhou")
SENSORS = Path(__file__).parents[2] / "cities" / "zhengzhou" / "sensors.toml"
START = datetime(2026, 11, 20, tzinfo=UTC)
NOISE = CITY.sensors.kinds["leak-noise"]


def reading(minutes: float = 0, value: float | None = None, *, recovered: bool = False) -> Reading:
    at = START + timedelta(minutes=minutes)
    return Reading(source="/t", id=f"{minutes}", kind="leak-noise", recovered=recovered, asset="A", at=at, value=value)


def alert(at: datetime = START) -> Alert:
    return Alert(
        asset="A", kind="leak-noise", unit="zz-water", grid=None, area=None, longitude=None, latitude=None,
        first_at=at, last_at=at, expires_at=at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "minutes", "value", "confirms"),
    [
        (Confirmation(), [0], None, True),
        (Confirmation(readings=3, within="1h"), [0, 30], None, False),
        (Confirmation(readings=3, within="1h"), [0, 30, 60], None, True),
        (Confirmation(readings=3, within="1h"), [0, 30, 61], None, False),
        (Confirmation(readings=3, within="1h"), [0, 2, 61, 62], None, True),
        (Confirmation(readings=3, below=2), [0], 1.9, True),
        (Confirmation(readings=3, below=2), [0], 2, False),
        (Confirmation(readings=3, above=2), [0], 2.1, True),
        (Confirmation(readings=3, above=2), [0], None, False),
    ],
)
def test_what_confirms(rule: Confirmation, minutes: list[float], value: float | None, confirms: bool) -> None:
    assert rule.by([START + timedelta(minutes=m) for m in minutes], value) is confirms


@pytest.mark.parametrize(
    ("kind", "value", "well"),
    [
        ("leak-noise", 30, True), ("leak-noise", 30.1, False), ("pressure-drop", 0.2, True),
        ("pressure-drop", 0.19, False), ("pressure-drop", None, False), ("truck-overload", 1, False),
    ],
)  # fmt: skip
def test_when_all_is_well(kind: str, value: float | None, well: bool) -> None:
    assert CITY.sensors.kinds[kind].says_well(reading(value=value)) is well


def test_every_kind_the_documents_tell_of_is_there_with_its_source() -> None:
    assert CITY.sensors.kinds.keys() == {
        "leak-noise", "pressure-drop", "water-quality", "burst-flow", "no-water-drawn", "heat-supply-temperature",
        "truck-leak", "truck-off-route", "truck-overload", "abnormal-volume", "new-account", "frequent-arrears",
        "dead-phone", "over-quota",
    }  # fmt: skip
    assert all(len(kind.source) > 3 for kind in CITY.sensors.kind)


@pytest.mark.parametrize("kind", CITY.sensors.kind, ids=lambda kind: kind.code)
def test_what_a_case_says_reads_well_with_and_without_a_value(kind: Kind) -> None:
    for text in (kind.words("A-1", "八栋楼3号院", 3.0, 2), kind.words("A-1", None, None, 1)):
        assert "A-1" in text
        assert "{" not in text
        assert "None" not in text


@pytest.mark.parametrize(
    ("kind", "asset", "value", "code"),
    [
        ("truck-leak", "truck", None, None), ("truck-leak", "meter", None, "unfit_asset"),
        ("no-water-drawn", "meter", 36, None), ("no-water-drawn", "meter", 0.1, "implausible_value"),
        ("no-water-drawn", "meter", -5, "implausible_value"), ("truck-overload", "truck", 0, "implausible_value"),
        ("water-quality", "device", None, "no_value"), ("water-quality", "device", 6, None),
    ],
)  # fmt: skip
def test_an_alarm_fits_its_asset_and_its_value_makes_sense(
    kind: str, asset: str, value: float | None, code: str | None
) -> None:
    assert CITY.sensors.kinds[kind].unfit(asset, reading(value=value)) == code
    assert CITY.sensors.kinds["no-water-drawn"].unfit("meter", reading(value=0, recovered=True)) is None


def test_a_fine_grid_that_stands_under_no_street_is_an_area_of_its_own() -> None:
    alone = Grid(code="yunlifang", name="云立方", level="micro", words=("云立方",))
    assert CITY.sensors.kinds["pressure-drop"].area(alone.code, {alone.code: alone}) == alone.code


@pytest.mark.parametrize("urgent", ["no-water-drawn", "pressure-drop", "burst-flow", "water-quality"])
def test_what_may_cost_a_life_or_flood_a_street_is_urgent(urgent: str) -> None:
    assert CITY.sensors.kinds[urgent].urgent


def test_only_an_old_persons_meter_brings_in_civil_affairs() -> None:
    items = CITY.catalog_at(START).items
    with_them = {kind.code for kind in CITY.sensors.kind if "zz-minzheng" in items[kind.item].assisting}
    assert with_them == {"no-water-drawn"}


def test_the_same_reading_under_several_ids_counts_as_one_instant() -> None:
    one = alert()
    assert [one.count(NOISE, reading(), START) for _ in range(5)] == [False] * 5
    assert one.readings == 5
    assert [one.count(NOISE, reading(minutes), START) for minutes in (1, 2)] == [False, True]


def test_all_must_stay_well_for_a_while_and_an_alarm_in_between_begins_that_anew() -> None:
    one, steady = alert(), timedelta(minutes=10)
    one.count(NOISE, reading(0, 99), START)
    one.recover(NOISE, reading(1, recovered=True))
    one.recover(NOISE, reading(2, recovered=True))
    assert one.steady_at == START + timedelta(minutes=1) + steady
    one.count(NOISE, reading(3, 99), START)
    assert one.steady_at is None
    one.recover(NOISE, reading(4, recovered=True))
    assert one.steady_at == START + timedelta(minutes=4) + steady


@pytest.mark.parametrize(("opened", "minutes"), [(True, 90), (False, 41)])
def test_who_opened_a_collective_case_keeps_it_open_for_an_hour(opened: bool, minutes: int) -> None:
    one = alert()
    one.count(NOISE, reading(30, 99), START + timedelta(minutes=30))
    one.collective, one.opened = True, opened
    one.recover(NOISE, reading(31, recovered=True))
    assert one.steady_at == START + timedelta(minutes=minutes)


def test_a_street_takes_in_its_communities_and_a_community_its_own() -> None:
    pressure, noise = CITY.sensors.kinds["pressure-drop"], CITY.sensors.kinds["leak-noise"]
    assert pressure.area("zz-g-badonglou", CITY.grids) == "zz-g-dulingjie"
    assert noise.area("zz-g-badonglou", CITY.grids) == "zz-g-badonglou"
    assert noise.area(None, CITY.grids) is None
    assert CITY.sensors.kinds["over-quota"].area("zz-g-badonglou", CITY.grids) is None


@given(st.permutations([0, 10, 20, 200, 210]))
def test_in_whatever_order_readings_come_the_alert_is_confirmed_once_and_knows_its_first_and_last(
    order: list[float],
) -> None:
    one = alert(START + timedelta(minutes=order[0]))
    confirmed = [one.count(NOISE, reading(minutes, value=minutes / 10 + 31), START) for minutes in order]
    assert confirmed.count(True) == 1
    assert (one.first_at, one.last_at) == (START, START + timedelta(minutes=210))
    assert (one.readings, one.last_value) == (5, 52)


@given(st.lists(st.tuples(st.integers(0, 500), st.booleans()), min_size=1, max_size=20))
def test_an_alert_is_well_exactly_when_the_latest_that_was_said_is(said: list[tuple[int, bool]]) -> None:
    one, moments = alert(), dict(said)
    one.count(NOISE, reading(0, 99), START)
    for minutes, well in moments.items():
        if well:
            one.recover(NOISE, reading(minutes + 1, recovered=True))
        else:
            one.count(NOISE, reading(minutes + 1, 99), START)
    last_alarm = max((minutes + 1 for minutes, well in moments.items() if not well), default=0)
    later = [minutes + 1 for minutes, well in moments.items() if well and minutes + 1 > last_alarm]
    assert (one.recovered_at is not None) == bool(later)


def test_what_nothing_confirms_in_time_is_over() -> None:
    one = alert()
    one.count(NOISE, reading(), START)
    assert not one.expire(START + timedelta(hours=12))
    assert one.expire(START + timedelta(hours=12, seconds=1))
    assert one.ended_at == START + timedelta(hours=12)


@pytest.mark.parametrize(("minutes", "code"), [(5, None), (6, "from_the_future"), (-1440, None), (-1441, "too_old")])
def test_an_event_far_from_now_is_refused(minutes: float, code: str | None) -> None:
    assert untimely(reading(minutes), START) == code


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('category = "proactive"', 'category = "none"', "category: 'none' is not a category of the rulebook"),
        ('item = "water-leak"', 'item = "nothing"', "kind.0.item: 'nothing' is not an item of the catalog"),
        ('code = "pressure-drop"', 'code = "leak-noise"', "kind.1.code: 'leak-noise' is given twice"),
        ("噪声{value}", "噪声{noise}", "a placeholder is one of address, asset, value, readings"),
        ("above = 60", "above = 10", "leak-noise: a value that confirms must lie outside its normal ones"),
        ("readings = 3,", "readings = 21,", "kind.0.confirm.readings"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = SENSORS.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "sensors.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    items = {item.code for item in CITY.catalog.versions}
    with pytest.raises(ConfigError) as error:
        load_sensors(path, items, CITY.rulebook.categories)
    assert problem in str(error.value)
