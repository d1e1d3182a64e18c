"""CloudEvents as they come, in each form, and whatever else comes."""

import base64
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.readings import BATCH, MOST_IN_A_BATCH, STRUCTURED, BadEvent, Reading, read_event, read_events

EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/noise",
    "type": "jiesu.alert.leak-noise",
    "subject": "ZS-1",
    "time": "2026-11-22T08:00:00+08:00",
    "data": {"value": 48.5, "battery": 3},
}


def written(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in (EVENT | changes).items() if value is not ...}).encode()


def test_a_structured_event_is_read() -> None:
    reading = read_event({}, written())
    assert (reading.source, reading.id, reading.kind, reading.asset) == ("/noise", "1", "leak-noise", "ZS-1")
    assert (reading.recovered, reading.value, reading.position) == (False, 48.5, None)
    assert reading.at == datetime(2026, 11, 22, tzinfo=UTC)


def test_an_event_in_binary_mode_says_the_same() -> None:
    headers = {f"Ce-{name.title()}": value for name, value in EVENT.items() if name != "data"}
    binary = read_event({**headers, "content-type": "application/json"}, json.dumps(EVENT["data"]).encode())
    assert binary.model_copy(update={"body": b""}) == read_event({}, written()).model_copy(update={"body": b""})


def test_an_event_may_say_no_more_than_that_all_is_well() -> None:
    reading = read_event({}, written(type="jiesu.recovered.leak-noise", data=..., time=...))
    assert (reading.recovered, reading.value) == (True, None)


def test_data_in_base64_is_read_when_it_is_json() -> None:
    data = base64.b64encode(b'{"value": 48.5}').decode()
    for media_type in ("application/json", "text/json", "application/vnd.noise+json; charset=utf-8", ...):
        assert read_event({}, written(data=..., data_base64=data, datacontenttype=media_type)).value == 48.5
    with pytest.raises(BadEvent):
        read_event({}, written(data=..., data_base64=data, datacontenttype="text/plain"))


def test_an_attribute_that_is_null_is_absent() -> None:
    assert read_event({}, written(time=None, dataschema=None)).at.tzinfo is not None


def test_what_moves_says_where_it_was() -> None:
    assert read_event({}, written(data={"longitude": 113, "latitude": 34.5})).position == (113, 34.5)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ...}, {"id": ""}, {"id": 5}, {"source": ...}, {"type": ...}, {"subject": ...}, {"subject": "x" * 61},
        {"specversion": ...}, {"specversion": "0.3"}, {"time": "yesterday"}, {"time": "2026-11-22T08:00:00"},
        {"data": [1]}, {"data": "x"}, {"data": {"value": True}}, {"data": {"value": "9"}},
        {"data": {"value": 1e300}}, {"data": {"longitude": 113}}, {"data": {"longitude": 181, "latitude": 1}},
        {"subject": "a\x00"}, {"BAD-NAME": 1},
    ],
)  # fmt: skip
def test_what_is_not_as_agreed_is_malformed(changes: dict[str, Any]) -> None:
    with pytest.raises(BadEvent) as refused:
        read_event({}, written(**changes))
    assert refused.value.code == "malformed"
    assert str(changes) not in str(refused.value)


@pytest.mark.parametrize("kind", ["leak-noise", "jiesu.leak-noise", "com.example.alert"])
def test_a_type_that_is_none_of_ours_is_unknown(kind: str) -> None:
    with pytest.raises(BadEvent) as refused:
        read_event({}, written(type=kind))
    assert refused.value.code == "unknown_type"


def test_a_batch_is_read_as_far_as_it_goes() -> None:
    batch = json.dumps([EVENT, {**EVENT, "id": ""}, 7, {**EVENT, "id": "2"}]).encode()
    read = read_events({"content-type": f"{BATCH}; charset=utf-8"}, batch)
    assert [one.code if isinstance(one, BadEvent) else one.id for one in read] == ["1", "malformed", "malformed", "2"]


@pytest.mark.parametrize(
    ("media_type", "body", "code"),
    [
        ("text/plain", b"{}", "not_cloudevents"),
        ("", b"", "not_cloudevents"),
        (BATCH, b"{}", "malformed"),
        (BATCH, b"nonsense", "malformed"),
        (BATCH, json.dumps([0] * (MOST_IN_A_BATCH + 1)).encode(), "too_many_events"),
        (STRUCTURED, b"[" * 100_000, "malformed"),
    ],
)
def test_what_is_no_message_of_events_is_refused(media_type: str, body: bytes, code: str) -> None:
    with pytest.raises(BadEvent) as refused:
        read_events({"content-type": media_type}, body)
    assert refused.value.code == code


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*EVENT, "data_base64", "dataschema", "x"]), JSON))
def test_whatever_stands_in_an_event_it_is_read_or_refused(changes: dict[str, Any]) -> None:
    with suppress(BadEvent):
        assert isinstance(read_event({}, json.dumps(EVENT | changes).encode()), Reading)


@given(st.binary(max_size=50), st.dictionaries(st.sampled_from(["ce-id", "ce-type", "ce-time", "ce-x"]), st.text()))
def test_whatever_comes_it_is_read_or_refused(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(BadEvent):
        read_event(headers, body)
