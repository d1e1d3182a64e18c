"""短信: what a citizen is told by text message, from the templates in `texts.toml`."""

from collections.abc import Mapping
from math import ceil
from pathlib import Path
from string import Formatter
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, StringConstraints, ValidationInfo

from domain.rulebook import Frozen
from domain.tables import read_as

MAY_USE = {
    text: ("city", "number", *more)
    for text, more in {
        "received": ("code",),
        "rejected": ("guidance",),
        "answered": ("reason",),
        "transferred": ("to", "there", "call"),
        "extended": ("unit", "due", "reason"),
        "suspended": ("unit", "until", "reason"),
        "result": ("unit", "reason"),
        "rework": ("unit",),
        "closed": ("reason",),
        "withdrawn": (),
    }.items()
}
"""The placeholders of each text: what is known of a case when it is sent."""

LONGEST_TEMPLATE = 300
LONGEST_TEXT = 500
"""Characters of a whole text; gateways split longer ones or refuse them."""


def _placeholders(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]


def _checked(template: str, info: ValidationInfo) -> str:
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"braces do not match: {error}") from None
    assert info.field_name is not None, "a template is a field of Texts"
    allowed = MAY_USE[info.field_name]
    for _, name, form, conversion in parts:
        if name is not None and (name not in allowed or form or conversion):
            known = ", ".join(f"{{{placeholder}}}" for placeholder in allowed)
            raise ValueError(f"'{{{name}}}' is not a plain placeholder of this text; it may use {known}")
    return template


Template = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEMPLATE),
    AfterValidator(_checked),
]


class Filled(NamedTuple):
    """A text ready to be sent."""

    text: str
    values: dict[str, str]
    """What each placeholder of the template became."""


class Texts(Frozen):
    """One template for each thing a citizen is told; the names are those of `domain.effects.TEXTS`."""

    received: Template
    rejected: Template
    answered: Template
    transferred: Template
    extended: Template
    suspended: Template
    result: Template
    rework: Template
    closed: Template
    withdrawn: Template

    def render(self, key: str, **values: str | None) -> str:
        """The text `key` with its placeholders filled in, at most `LONGEST_TEXT` characters on one line."""
        return self.fill(key, values).text

    def fill(self, key: str, values: Mapping[str, str | None], longest: int = LONGEST_TEXT) -> "Filled":
        """The text `key` of at most `longest` characters on one line, with the values that went into it.

        A text that would be longer has its longest value shortened, ending in "…". Characters that nobody sees are left
        out. Values the template does not use are ignored. Raises ValueError when there is no such text, or a value it
        needs is missing.
        """
        if key not in Texts.model_fields:
            raise ValueError(f"there is no text '{key}'; there are {', '.join(Texts.model_fields)}")
        template: str = getattr(self, key)
        filled: dict[str, str] = {}
        for name in _placeholders(template):
            value = values.get(name)
            if value is None:
                raise ValueError(f"the text '{key}' needs a value for {{{name}}}")
            filled[name] = _plain(value)
        return Filled(_fitted(template, filled, longest), filled)


def _plain(value: str) -> str:
    """On one line, without what no phone shows: control characters, and those that turn the direction of writing."""
    return " ".join("".join(sign for sign in value if sign.isprintable() or sign.isspace()).split())


def _fitted(template: str, values: dict[str, str], most: int) -> str:
    text = template.format_map(values)
    while (excess := len(text) - most) > 0 and any(len(value) > 1 for value in values.values()):
        longest = max(values, key=lambda name: len(values[name]))
        each = ceil(excess / _placeholders(template).count(longest))
        values[longest] = shortened(values[longest], len(values[longest]) - each)
        text = template.format_map(values)
    return text


def shortened(value: str, most: int) -> str:
    """A value of at most `most` characters, one at least; what is cut off shows as "…"."""
    return value if len(value) <= most else value[: max(most - 1, 0)] + "…"


def load_texts(path: Path) -> Texts:
    """Read a city's texts.

    Raises ConfigError naming the file, the key and what is wrong: a text missing, unknown, empty or longer than
    `LONGEST_TEMPLATE` characters, or a placeholder it cannot have.
    """
    return read_as(path, Texts)
