"""Types of what comes in: bounded, and free of what no database can hold."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Header, Path
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, StringConstraints, WithJsonSchema

from api.repeating import KEY_HEADER
from domain.limits import Limit
from domain.phones import mobile
from domain.steps.transfer import FOREIGN


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("the character U+0000 cannot be kept")
    return value


def no_mobile(value: str | None) -> str | None:
    """The value, unless it is a mobile number of China's numbering plan. Raises ValueError."""
    if value and re.fullmatch(r"(\+?86)?-?1[3-9]\d-?\d{4}-?\d{4}", value):
        raise ValueError("a telephone number")
    return value


def _blank_is_absent(value: str | None) -> str | None:
    return value or None


def _in_one_spelling(value: str | None) -> str | None:
    return value and (mobile(value) or value)


def _written_out(value: object) -> object:
    if not (isinstance(value, str) and re.match(r"\d{4}-", value)):
        raise ValueError("not a date and time of ISO 8601")
    return value


def _a_day(value: object) -> object:
    if not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        raise ValueError("not a date of ISO 8601")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_no_nul)]
OptionalLine = Annotated[Line | None, AfterValidator(_blank_is_absent)]
Phone = Annotated[OptionalLine, AfterValidator(_in_one_spelling)]
"""A mobile number in its one spelling, any other as it was typed."""
ForeignNumber = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=40, pattern=f"^({FOREIGN})$"),
    AfterValidator(no_mobile),
]
"""A number that another hotline gave: a number and nothing else, since it is neither masked nor erased."""
OptionalForeignNumber = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=40, pattern=f"^({FOREIGN})?$")] | None,
    AfterValidator(_blank_is_absent),
    AfterValidator(no_mobile),
]
LONGEST = 4000
"""Characters of a text."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST), AfterValidator(_no_nul)]
Prose = Annotated[Text, StringConstraints(min_length=1)]
OptionalProse = Annotated[Text | None, AfterValidator(_blank_is_absent)]
Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]
LocalInstant = Annotated[datetime, BeforeValidator(_written_out)]
LocalDay = Annotated[date, BeforeValidator(_a_day)]
LimitText = Annotated[Limit, WithJsonSchema({"type": "string", "examples": ["3wd"]})]
NUMBER = r"[A-Z]{2,6}-[0-9]{8}-[0-9]{5,9}"
CaseNumber = Annotated[str, Path(pattern=f"^{NUMBER}$", examples=["ZZ-20261121-00001"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=KEY_HEADER,
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Repeat a request with the same key and it is carried out once; the first answer comes back. "
        "Without one the request is given a key, told in the answer's header of this name.",
    ),
]
