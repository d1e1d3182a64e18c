"""What the systems of partners say to us: requests they offer, and what becomes of those we transferred to them."""

from datetime import MAXYEAR, MINYEAR, datetime
from math import isfinite
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from api.fields import (
    LONGEST,
    NUMBER,
    ForeignNumber,
    Instant,
    LocalInstant,
    OptionalForeignNumber,
    OptionalLine,
    OptionalProse,
    Prose,
)

CASE = Annotated[str, Field(pattern=f"^{NUMBER}$")]


def _a_degree(value: object) -> float | None:
    """A position that is none is no reason to send a citizen away: a person looks for the place."""
    try:
        degree = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return degree if isfinite(degree) else None


Degree = Annotated[float | None, BeforeValidator(_a_degree)]


def _not_at_the_ends_of_time(value: datetime) -> datetime:
    if not MINYEAR < value.year < MAXYEAR:
        raise ValueError("no time that can be told in every zone")
    return value


NUMBERS_AS_TEXT = ConfigDict(coerce_numbers_to_str=True)
"""Telephone and case numbers come as either."""

ESSENTIAL = frozenset({"number", "text"})
"""Of an offer: without these it is none."""

WORDLESS = "（来件无文字说明，见照片。）"


def _with_words(given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """An offer with words that can be kept, even where photos speak for themselves (郑好拍); and the notes on them."""
    text = given["text"].strip() if isinstance(given.get("text"), str) else ""
    if len(text) > LONGEST:
        return given | {"text": text[:LONGEST]}, ["text_cut"]
    if not text and given.get("photos"):
        return given | {"text": WORDLESS}, ["no_text"]
    return given, []


class Offer(BaseModel):
    """A request that is no business of the partner's. What we do not know of it is left to a person to look at."""

    model_config = NUMBERS_AS_TEXT

    number: ForeignNumber
    text: Prose
    name: OptionalLine = None
    phone: OptionalLine = None
    address: OptionalLine = None
    longitude: Degree = None
    latitude: Degree = None
    withhold_identity: bool = False
    category: OptionalLine = None
    item: OptionalLine = None
    happened_at: Annotated[Instant | LocalInstant, AfterValidator(_not_at_the_ends_of_time)] | None = None
    """Without an offset by the clocks of the city."""
    photos: list[Any] = []
    """In base64, each looked at by itself."""

    _notes: list[str] = PrivateAttr(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What was not taken as it came: `left_out`, `text_cut`, `no_text`."""
        return self._notes

    @model_validator(mode="wrap")
    @classmethod
    def _without_what_is_odd(cls, given: dict[str, Any], handler: ModelWrapValidatorHandler[Self]) -> Self:
        """What is incidental and malformed is left out, rather than the request with it."""
        given, notes = _with_words(given)
        try:
            offer = handler(given)
        except ValidationError as error:
            odd = {fault["loc"][0] for fault in error.errors()} - ESSENTIAL
            rest = {name: value for name, value in given.items() if name not in odd}
            # Who may have asked not to be known is not made known.
            offer = handler(rest | ({"withhold_identity": True} if "withhold_identity" in odd else {}))
            offer._notes.append("left_out")
        offer._notes.extend(notes)
        return offer


class Acknowledgement(BaseModel):
    """The partner has taken a case over."""

    model_config = NUMBERS_AS_TEXT

    case: CASE
    number: OptionalForeignNumber = None
    reason: OptionalProse = None


class Refusal(BaseModel):
    """The partner does not take a case."""

    case: CASE
    reason: Prose


BODIES: dict[str, type[Offer | Acknowledgement | Refusal]] = {
    "transfer.offered": Offer,
    "transfer.acknowledged": Acknowledgement,
    "transfer.refused": Refusal,
}
"""Type of a message → its data."""


class FileAsked(BaseModel):
    """A file of a case that was transferred to the partner. Nothing else stands beside it, as in what we send."""

    model_config = ConfigDict(extra="forbid")

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
