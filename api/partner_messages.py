"""What the systems of partners say to us: requests they offer, and what becomes of those we transferred to them."""

from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, RootModel, StringConstraints

from api.fields import NUMBER, ForeignNumber, Instant, OptionalLine, OptionalProse, Prose
from api.partner_photos import MOST, Photo

CASE = Annotated[str, Field(pattern=f"^{NUMBER}$")]


def _a_degree(value: object) -> float | None:
    """A position that is none is no reason to send a citizen away: a person looks for the place."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if number else None  # type: ignore[arg-type]


Degree = Annotated[float | None, BeforeValidator(_a_degree)]


class Offer(BaseModel):
    """A request that is no business of the partner's. What we do not know of it is left to a person to look at."""

    number: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{1,40}$")]
    text: Prose
    name: OptionalLine = None
    phone: OptionalLine = None
    address: OptionalLine = None
    longitude: Degree = None
    latitude: Degree = None
    withhold_identity: bool = False
    category: OptionalLine = None
    item: OptionalLine = None
    happened_at: Instant | None = None
    photos: Annotated[list[Photo], Field(max_length=MOST)] = []


class Acknowledgement(BaseModel):
    """The partner has taken a case over."""

    case: CASE
    number: ForeignNumber = None
    reason: OptionalProse = None


class Refusal(BaseModel):
    """The partner does not take a case."""

    case: CASE
    reason: Prose


class Offered(BaseModel):
    type: Literal["transfer.offered"]
    data: Offer


class Acknowledged(BaseModel):
    type: Literal["transfer.acknowledged"]
    data: Acknowledgement


class Refused(BaseModel):
    type: Literal["transfer.refused"]
    data: Refusal


class AnyMessage(RootModel[Annotated[Offered | Acknowledged | Refused, Field(discriminator="type")]]):
    """One of the messages that a partner's system sends."""


class FileAsked(BaseModel):
    """A file of a case that was transferred to the partner."""

    case: CASE
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


EXAMPLES: dict[str, dict[str, Any]] = {
    "transfer.offered": {
        "number": "J4101002026112200017",
        "text": "楼上住户深夜装修，邻里纠纷，非警务警情。",
        "name": "王女士",
        "phone": "13800000000",
        "address": "金水区杜岭街12号",
        "happened_at": "2026-11-22T01:20:00+08:00",
    },
    "transfer.acknowledged": {"case": "ZZ-20261121-00001", "number": "J4101002026112200018"},
    "transfer.refused": {"case": "ZZ-20261121-00001", "reason": "经核实不属于警务事项，退回热线。"},
}

MESSAGE: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["type", "data"],
        "properties": {"type": {"enum": list(EXAMPLES)}, "data": {"type": "object"}},
    },
    "examples": {type: {"value": {"type": type, "data": data}} for type, data in EXAMPLES.items()},
}
FILE: dict[str, Any] = {
    "schema": {
        "type": "object",
        "required": ["case", "sha256"],
        "properties": {
            "case": {"type": "string", "pattern": f"^{NUMBER}$"},
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        },
    }
}
