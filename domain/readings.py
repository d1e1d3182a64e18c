"""传感器事件: what a sensor says of an asset, read from CloudEvents 1.0 in the formats that HTTP and MQTT carry.

An event's `type` is `jiesu.alert.<kind>` or `jiesu.recovered.<kind>`, its `subject` the code of the asset, and its
data, if any, a JSON object with `value` in the kind's unit, and `longitude` and `latitude` (WGS 84) of what moves.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_binary, from_structured
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from pydantic import AwareDatetime, Field, StrictFloat, StrictInt, StringConstraints, model_validator

from domain.rulebook import Frozen

ALERT, RECOVERED = "jiesu.alert.", "jiesu.recovered."
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
BINARY = "ce-"
"""Begins the headers of an event in HTTP's binary mode."""

MOST_IN_A_BATCH = 500
LARGEST = 64 * 1024
"""Bytes; up to this an event may count on being passed on (CloudEvents 1.0.2, Size Limits)."""
KEPT_BYTES = 16_000

FOREIGN = (
    ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError, CloudEventValidationError,
)  # fmt: skip
"""What the library makes of what strangers send: it foresees little of it, and its sentences repeat it."""

REASONS = {
    "not_cloudevents": (
        f"The body is no CloudEvent: send {STRUCTURED}, {BATCH}, or ce- headers.",
        "内容不是CloudEvents事件。",
    ),
    "malformed": (
        "The event is not a CloudEvent 1.0 with id, source, type, subject and data as agreed.",
        "事件格式有误。",
    ),
    "too_large": (f"An event has at most {LARGEST} bytes.", f"事件不得超过{LARGEST}字节。"),
    "too_many_events": (f"A batch has at most {MOST_IN_A_BATCH} events.", f"一批最多{MOST_IN_A_BATCH}个事件。"),
    "unknown_type": ("This city has no alert of this type.", "没有该类预警。"),
    "unknown_asset": ("No such asset is registered, or it is not one of yours.", "没有登记该设备，或不属于本单位。"),
    "unfit_asset": ("No such asset can have an alert of this type.", "该类设备不会有此类预警。"),
    "no_value": ("An alert of this type has a value.", "该类预警必须带数值。"),
    "implausible_value": ("An alert of this type has no such value.", "数值超出该类预警的合理范围。"),
    "from_the_future": (
        "The event's time lies in the future; set the device's clock.",
        "事件时间晚于当前时间，请校准设备时钟。",
    ),
    "too_old": ("The event is too old to act on.", "事件时间过早，不再处理。"),
}
"""Why an event is refused, in English and Chinese; nothing of the event is repeated."""

Named = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
Number = Annotated[StrictFloat | StrictInt, Field(allow_inf_nan=False, ge=-1e9, le=1e9)]


class BadEvent(Exception):
    """An event that cannot be taken; `code` is one of REASONS."""

    def __init__(self, code: str, body: bytes = b"") -> None:
        self.code, self.body = code, body
        self.detail, self.detail_zh = REASONS[code]
        super().__init__(self.detail)


class Reading(Frozen):
    """One event of a sensor. `source` and `id` together name it: a repetition has the same."""

    source: Named
    id: Named
    kind: Named
    """Code of the kind of alert."""
    recovered: bool
    """Whether it says that all is well again."""
    asset: Annotated[Named, StringConstraints(max_length=60)]
    at: AwareDatetime
    """When it happened; of an event that does not say so, when it was read."""
    value: Number | None = None
    longitude: Annotated[Number, Field(ge=-180, le=180)] | None = None
    latitude: Annotated[Number, Field(ge=-90, le=90)] | None = None
    body: bytes = Field(default=b"", repr=False, exclude=True)
    """Its beginning, as it came."""

    @model_validator(mode="after")
    def _a_whole_position(self) -> Self:
        if (self.longitude is None) != (self.latitude is None):
            raise ValueError("a position has longitude and latitude")
        return self

    @property
    def position(self) -> tuple[float, float] | None:
        """Longitude and latitude, if it says where it was."""
        return None if self.longitude is None or self.latitude is None else (self.longitude, self.latitude)


def read_event(headers: Mapping[str, str], body: bytes) -> Reading:
    """One event: with ce- headers in HTTP's binary mode, else as structured JSON, whatever its content type is called.

    Raises BadEvent.
    """
    try:
        if any(name.lower().startswith(BINARY) for name in headers):
            return _reading(_binary(headers, body), body)
        return _reading(_structured(body), body)
    except FOREIGN:
        raise BadEvent("malformed", body) from None


def read_events(headers: Mapping[str, str], body: bytes) -> list[Reading | BadEvent]:
    """All events of an HTTP message, in their order, those that cannot be read too: a batch is taken as far as it goes.

    Raises BadEvent for what is no message of events at all.
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == BATCH:
        return [_read_one(part) for part in _parts(body)]
    if media_type == STRUCTURED or any(name.lower().startswith(BINARY) for name in headers):
        return [read_event({} if media_type == STRUCTURED else headers, body)]
    raise BadEvent("not_cloudevents", body)


def _read_one(body: bytes) -> Reading | BadEvent:
    try:
        return read_event({}, body)
    except BadEvent as bad:
        return bad


def _parts(body: bytes) -> Iterator[bytes]:
    try:
        parts = json.loads(body)
    except (ValueError, RecursionError):
        raise BadEvent("malformed", body) from None
    if not isinstance(parts, list):
        raise BadEvent("malformed", body)
    if len(parts) > MOST_IN_A_BATCH:
        raise BadEvent("too_many_events", body)
    return (json.dumps(part, ensure_ascii=False).encode(errors="replace") for part in parts)


def _structured(body: bytes) -> BaseCloudEvent:
    # An attribute that is null is absent (CloudEvents JSON format 1.0.2, 2.2).
    event = {name: value for name, value in json.loads(body).items() if value is not None}
    _check_named(event)
    message = HTTPMessage({"content-type": STRUCTURED}, json.dumps(event).encode())
    return from_structured(message, JSONFormat(), CloudEvent)


def _binary(headers: Mapping[str, str], body: bytes) -> BaseCloudEvent:
    _check_named({name.lower().removeprefix(BINARY): value for name, value in headers.items()})
    return from_binary(HTTPMessage(dict(headers), body), JSONFormat(), CloudEvent)


def _check_named(attributes: Any) -> None:
    # The library would make up an id of its own.
    if not attributes["id"] or not attributes["specversion"]:
        raise ValueError("an event has an id and a specversion")


def _reading(event: BaseCloudEvent, body: bytes) -> Reading:
    kind, recovered = _kind(event.get_type(), body)
    data = event.get_data()
    if isinstance(data, bytes) and _is_json(event.get_datacontenttype()):
        data = json.loads(data)
    if not isinstance(data, dict | None):
        raise ValueError("data is a JSON object")
    told = {name: data[name] for name in ("value", "longitude", "latitude") if data and data.get(name) is not None}
    return Reading.model_validate(
        {
            "source": event.get_source(),
            "id": event.get_id(),
            "kind": kind,
            "recovered": recovered,
            "asset": event.get_subject(),
            "at": event.get_time(),
            "body": body[:KEPT_BYTES],
            **told,
        }
    )


def _is_json(media_type: str | None) -> bool:
    # Without a type data is JSON (CloudEvents JSON format 1.0.2, 3.1).
    plain = (media_type or "application/json").partition(";")[0].strip().lower()
    return plain.endswith(("/json", "+json"))


def _kind(name: str, body: bytes) -> tuple[str, bool]:
    for prefix in (ALERT, RECOVERED):
        if name.startswith(prefix):
            return name.removeprefix(prefix), prefix == RECOVERED
    raise BadEvent("unknown_type", body)
