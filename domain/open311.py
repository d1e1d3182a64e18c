"""Open311 (GeoReport v2): what a city tells outside apps of its matters, and asks of their users; `open311.toml`."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StringConstraints, model_validator

from domain import words
from domain.errors import ConfigError
from domain.rulebook import Frozen
from domain.tables import Code, Name, check_known, read_as

OTHER = "other"
"""Service code of what no item names: a city's, for which a person finds whose it is, and a unit's own for the rest."""
OTHER_NAME = "其他诉求"

NAMELESS = "附加信息"
"""What an answer is called of which nobody knows what it answers."""

LISTS = ("singlevaluelist", "multivaluelist")
LONGEST = {"string": 200, "text": 1000}
NUMBER = re.compile(r"[+-]?\d{1,15}(\.\d{1,10})?", re.ASCII)

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


STATES = frozenset(words.STATUS.values()) | frozenset(words.OUTCOME.values())


def notes(state: str, said: str | None) -> str:
    """How a request stands, 办理中：已派人查看, with the unit's last words if there are any."""
    return f"{state}：{said}" if said else state


def said_in(notes: str) -> str | None:
    """The words in what a server notes of a request: all of it, but for how it stands as `notes` would have it."""
    state, _, said = notes.partition("：")
    return (said if state in STATES else notes).strip() or None


class BadAnswer(Exception):
    """Attributes that do not answer what their service asks: a code, and why in English and Chinese."""

    def __init__(self, code: str, message: str, message_zh: str) -> None:
        super().__init__(message)
        self.code, self.message, self.message_zh = code, message, message_zh


class Attribute(Frozen):
    """Something a service asks besides the description (GeoReport v2, GET Service Definition)."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    name: Name
    """What it is called where the answer stands in the request: 水压."""

    description: Sentence
    """What the app's user is asked, or told."""

    datatype: Literal["string", "number", "datetime", "text", "singlevaluelist", "multivaluelist"]
    hint: str = ""
    """How to answer (`datatype_description`)."""

    required: StrictBool = False
    variable: StrictBool = True
    """False for what is only told."""

    values: dict[Code, Name] = Field(default_factory=dict)
    """Of a list: what may be chosen, by key."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.datatype in LISTS) != bool(self.values):
            raise ValueError("values: a list has some, and nothing else does")
        if self.required and not self.variable:
            raise ValueError("required: what is only told needs no answer")
        return self


class Service(Frozen):
    """What the catalog does not say of a matter."""

    description: Sentence | None = None
    attribute: Annotated[tuple[Attribute, ...], Field(max_length=10)] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        codes = [attribute.code for attribute in self.attribute]
        if len(set(codes)) < len(codes):
            raise ValueError("attribute: a code is given twice")
        return self


NOTHING_MORE = Service()


class Open311(Frozen):
    """What a city adds to its catalog for Open311; without a file, nothing."""

    jurisdiction_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,60}$")] | None = None
    """The one that is known, customarily the city's domain; without it, the name of the city's folder."""

    contact: Sentence = "12345"
    """How to learn more of this interface."""

    key_service: Sentence = "12345"
    """How to come by an api_key."""

    changed: date = date(2026, 1, 1)
    """When the file was changed last, for apps that keep a copy of the services."""

    groups: dict[Name, tuple[Code, ...]] = Field(default_factory=dict)
    """Name of a group → its items; those of no group are in that of their category."""

    service: dict[Code, Service] = Field(default_factory=dict)

    def group_of(self, item: str) -> str | None:
        """The group of an item, if any."""
        return next((name for name, items in self.groups.items() if item in items), None)

    def of(self, item: str) -> Service:
        """What the file says of an item."""
        return self.service.get(item, NOTHING_MORE)


def load_open311(path: Path, items: Collection[str]) -> Open311:
    """Read a city's `open311.toml`, which need not be there; `items` are the codes of its catalog, and `other`.

    Raises ConfigError naming the file, the key and what is wrong, also for an item that does not exist, and one that is
    in two groups.
    """
    if not path.exists():
        return Open311()
    found = read_as(path, Open311)
    grouped: set[str] = set()
    for name, codes in found.groups.items():
        for code in codes:
            check_known(path, f"groups.{name}", code, items, "an item of the catalog")
            if code in grouped:
                raise ConfigError(path, f"groups.{name}", f"'{code}' is in two groups")
            grouped.add(code)
    for code in found.service:
        check_known(path, f"service.{code}", code, items, "an item of the catalog")
    return found


def answers(asked: Sequence[Attribute], given: Mapping[str, Sequence[str]]) -> list[str]:
    """What was answered as lines for people, 水压：偏低, in the order asked; then what nobody asked, as it was sent.

    Raises BadAnswer, without the answer.
    """
    known = {attribute.code: attribute for attribute in asked if attribute.variable}
    unasked = (f"{code or NAMELESS}：{'、'.join(said)}" for code, said in given.items() if code not in known)
    return [*_lines(known.values(), given), *(line.replace("\0", "") for line in unasked)]


def _lines(asked: Collection[Attribute], given: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for attribute in asked:
        said = given.get(attribute.code, ())
        if said:
            yield f"{attribute.name}：{'、'.join(_value(attribute, one) for one in _several(attribute, said))}"
        elif attribute.required:
            raise _bad(attribute, "missing_attribute", "is required", "必填")


def _several(attribute: Attribute, said: Sequence[str]) -> Sequence[str]:
    if len(said) > 1 and attribute.datatype != "multivaluelist":
        raise _bad(attribute, "bad_attribute", "takes one value", "只能有一个值")
    return list(dict.fromkeys(said))


def _value(attribute: Attribute, said: str) -> str:
    if attribute.datatype in LISTS:
        if said not in attribute.values:
            keys = ", ".join(attribute.values)
            raise _bad(attribute, "bad_attribute", f"one of {keys}", f"须为以下之一：{keys}")
        return attribute.values[said]
    if attribute.datatype == "number" and not NUMBER.fullmatch(said):
        raise _bad(attribute, "bad_attribute", "a plain decimal number", "须为数字")
    if attribute.datatype == "datetime" and not _is_time(said):
        raise _bad(attribute, "bad_attribute", "a date or time of ISO 8601", "须为ISO 8601日期或时间")
    most = LONGEST.get(attribute.datatype)
    if most and (len(said) > most or "\0" in said):
        raise _bad(attribute, "bad_attribute", f"at most {most} characters, none of them U+0000", f"最多{most}个字")
    if attribute.datatype == "string" and len(said.splitlines()) > 1:
        raise _bad(attribute, "bad_attribute", "a single line", "不能换行")
    return said


def _is_time(said: str) -> bool:
    try:
        datetime.fromisoformat(said)
    except ValueError:
        return False
    return True


def _bad(attribute: Attribute, code: str, what: str, what_zh: str) -> BadAnswer:
    return BadAnswer(code, f"attribute[{attribute.code}]: {what}.", f"“{attribute.name}”{what_zh}。")
