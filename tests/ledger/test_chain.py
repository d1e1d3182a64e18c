"""The chain's own laws, whatever is written into it."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import chain
from ledger.chain import canonical, first_link, link, new_salt, seal_case, seal_note, seal_request
from ledger.erasure import EMPTY
from ledger.models import PERSONAL, CaseRow
from ledger.tables import CASES, EVENTS

texts = st.none() | st.text(max_size=20)
instants = st.datetimes(timezones=st.just(UTC))
facts = st.dictionaries(
    st.text(max_size=5), st.integers() | st.text(max_size=5) | st.booleans() | st.none(), max_size=3
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "n": st.integers(1), "at": instants, "due": st.none() | instants, "provisional": st.booleans(), "facts": facts,
}  # fmt: skip
events = st.fixed_dictionaries({name: VALUES.get(name, texts) for name in chain.EVENT})


def test_every_column_of_an_event_but_its_hash_is_hashed() -> None:
    assert {*chain.EVENT, "hash"} == set(EVENTS.columns.keys())


def test_every_column_of_a_case_is_proved_but_what_says_nothing_of_it() -> None:
    proved = {*chain.REQUEST, *chain.ORIGIN, *chain.STANDING, "number", "head", "seal", "salt", "erased_at"}
    silent = {"code", "intake_key", "intake_hash", "ordered", "priority", "unreachable_at"}
    assert set(CASES.columns.keys()) - proved == silent


def test_what_is_personal_in_a_case_is_erased_or_known_to_be_no_words() -> None:
    hidden = {name for name, field in CaseRow.model_fields.items() if not field.repr}
    # Code and salt tell nothing of anybody; an erasure removes them too.
    assert hidden == {*PERSONAL, "code", "salt"}
    assert set(PERSONAL) == EMPTY.keys() <= set(chain.REQUEST)


@given(events, st.sampled_from(chain.EVENT), st.data())
def test_an_event_that_differs_in_any_column_has_another_hash(
    event: dict[str, Any], name: str, data: st.DataObject
) -> None:
    other = data.draw(VALUES.get(name, texts))
    same = link("0" * 64, event) == link("0" * 64, {**event, name: other})
    assert same == (canonical(other) == canonical(event[name]))


@given(events)
def test_an_event_after_another_has_another_hash(event: dict[str, Any]) -> None:
    assert link(first_link("ZZ-20261121-00001"), event) != link(first_link("ZZ-20261121-00002"), event)


@given(instants, st.integers(-840, 840))
def test_an_instant_reads_the_same_from_every_zone(instant: datetime, minutes: int) -> None:
    try:
        local = instant.astimezone(timezone(timedelta(minutes=minutes)))
    except OverflowError:
        return
    assert canonical([instant]) == canonical([local])


def test_the_canonical_form_is_as_it_always_was() -> None:
    at = datetime(2026, 11, 21, 12, 30, tzinfo=timezone(timedelta(hours=8)))
    written = canonical({"b": [1, None, True], "a": "水", "at": at})
    assert written == r'{"a":"\u6c34","at":"2026-11-21T04:30:00.000000+00:00","b":[1,null,true]}'


def test_a_hash_is_as_it_always_was() -> None:
    event: dict[str, Any] = dict.fromkeys(chain.EVENT)
    known = "f4631455bc66e620fc394ec8dcb749941a5c8543e9e1fffee8c1c79e6849e3a4"
    assert link(first_link("ZZ-20261121-00001"), event) == known


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no canonical form"):
        canonical({1})


def test_the_same_words_under_another_salt_show_nothing_in_common() -> None:
    salts = new_salt(), new_salt()
    assert [len(bytes.fromhex(salt)) for salt in salts] == [32, 32]
    assert seal_note(salts[0], "已处理") != seal_note(salts[1], "已处理")


@pytest.mark.parametrize("name", chain.REQUEST)
def test_another_request_has_another_seal(name: str) -> None:
    request: dict[str, Any] = dict.fromkeys(chain.REQUEST)
    assert seal_request("s", request) != seal_request("s", {**request, name: "x"})


def test_a_request_without_anybody_vulnerable_is_sealed_as_it_always_was() -> None:
    request: dict[str, Any] = dict.fromkeys(chain.REQUEST) | {"vulnerable": []}
    assert seal_request("s", request) == "d91e425c0f9eb2c5a93e24419862d5bd30105b920786bffe513e8a7605b5c067"


def test_a_zero_has_no_sign() -> None:
    request: dict[str, Any] = dict.fromkeys(chain.REQUEST)
    assert seal_request("s", {**request, "latitude": 0.0}) == seal_request("s", {**request, "latitude": -0.0})


@pytest.mark.parametrize("name", [*chain.ORIGIN, *chain.STANDING])
def test_another_standing_has_another_seal(name: str) -> None:
    case: dict[str, Any] = dict.fromkeys((*chain.ORIGIN, *chain.STANDING))
    assert seal_case("h", case) != seal_case("h", {**case, name: "x"})
    assert seal_case("h", case) != seal_case("i", case)
