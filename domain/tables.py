"""What a city's files have in common, above all those that list things by code (`[[unit]]`, `[[grid]]`, `[[item]]`)."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from pydantic import AfterValidator, BaseModel, StringConstraints, ValidationError

from domain.errors import ConfigError, config_error_from, read_toml

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=40)]
"""Names a unit, a grid or an item, in addresses of the API too."""

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60)]
"""What people call it."""

Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9-]{2,19}$")]


def written(pattern: str, forms: str) -> AfterValidator:
    """Text all of which matches a pattern; the refusal of any other names the accepted forms."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"write it as {forms}")
        return text

    return AfterValidator(check)


class Coded(Protocol):
    @property
    def code(self) -> str: ...


class Nested(Coded, Protocol):
    @property
    def parent(self) -> str | None: ...


Model = TypeVar("Model", bound=BaseModel)
Row = TypeVar("Row", bound=Coded)


def read_as(path: Path, model: type[Model]) -> Model:
    """Read a TOML file as `model`, strictly: "3" is no number, and 1 is not true.

    Raises ConfigError naming the file, the keys and what is wrong with them.
    """
    data = read_toml(path)
    try:
        # Strict JSON still takes text for a code and a list for a tuple, as TOML has no other way to write them.
        found = model.model_validate_json(json.dumps(data, default=str), strict=True)
        # JSON has no dates: that one stands where text belongs shows only here.
        model.model_validate(data)
        return found
    except ValidationError as error:
        raise config_error_from(path, error) from None


def by_code(path: Path, table: str, rows: Sequence[Row]) -> dict[str, Row]:
    """The rows of `[[table]]` by code, in the order of the file. Raises ConfigError when a code is given twice."""
    found: dict[str, Row] = {}
    for n, row in enumerate(rows):
        if row.code in found:
            raise ConfigError(path, f"{table}.{n}.code", f"'{row.code}' is given twice")
        found[row.code] = row
    return found


def check_known(path: Path, key: str, code: str, known: Collection[str], what: str) -> None:
    """Raise ConfigError unless `code` is one of `known`; `what` says what it should have been, such as "a unit"."""
    if code not in known:
        raise ConfigError(path, key, f"'{code}' is not {what} of this city")


def with_those_below(code: str, rows: Mapping[str, Nested]) -> frozenset[str]:
    """The code and those of everything that belongs to it, through any number of levels."""
    found, level = {code}, {code}
    while level := {row.code for row in rows.values() if row.parent in level} - found:
        found |= level
    return frozenset(found)
