"""Types of what comes in: bounded, and free of what no database can hold."""

from typing import Annotated

from fastapi import Header, Path
from pydantic import AfterValidator, StringConstraints


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("the character U+0000 cannot be kept")
    return value


def _blank_is_absent(value: str | None) -> str | None:
    return value or None


Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(_no_nul)]
OptionalLine = Annotated[Line | None, AfterValidator(_blank_is_absent)]
Prose = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000), AfterValidator(_no_nul)]
CaseNumber = Annotated[str, Path(pattern=r"^[A-Z]{2,6}-\d{8}-\d{5,9}$", examples=["ZZ-20261121-00001"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Repeat a request with the same key and it is carried out once; the first answer comes back.",
    ),
]
