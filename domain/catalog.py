"""派单目录: which matter is whose, read from `catalog.toml`, and suggestions from the words of a request.

Suggestions are for the dispatcher to accept or not; what they rest on is always shown.
"""

from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StringConstraints

from domain.errors import ConfigError
from domain.matching import Word, plain
from domain.rulebook import Frozen
from domain.tables import Code, Name, by_code, check_known, read_as

HALF_SURE = 4
"""Characters of matched words that make a score of one half."""


def _plain_words(keyword: str) -> str:
    return " ".join(map(plain, keyword.split()))


Keyword = Annotated[str, AfterValidator(_plain_words), StringConstraints(min_length=2, max_length=40)]
"""A word, or several apart by spaces that must all be there: `护栏 缺失`."""


class _Matter(Frozen):
    code: Code
    name: Name
    category: str
    """Code of a category of the rulebook: the usual one; the agent may choose another."""

    keywords: Annotated[tuple[Keyword, ...], Field(min_length=1)]
    lead: Code
    assisting: Annotated[tuple[Code, ...], Field(max_length=10)] = ()

    outage: StrictBool = False
    """Whether it is a large outage, with the short clocks (细则 no. 8)."""


class Item(_Matter):
    """One matter of the catalog, and the units that handle it."""

    areas: dict[Word, Code] = Field(default_factory=dict)
    """Word of an address → the unit that leads there instead of `lead` (属地管理)."""

    @cached_property
    def terms(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Each keyword with its first word and its others, split once."""
        return tuple(
            (keyword, first, tuple(others)) for keyword in self.keywords for first, *others in [keyword.split()]
        )


class Suggestion(Frozen):
    """A matter that a request may be about, and whom to send it to."""

    item: str
    name: str
    category: str
    lead: str
    assisting: tuple[str, ...]
    outage: bool
    score: Annotated[float, Field(ge=0, le=1)]
    because: list[str]
    """The keywords that matched."""


class Catalog(Frozen):
    """The matters of a city, by code."""

    items: dict[str, Item]

    def suggest(self, text: str, address: str | None = None, limit: int = 3) -> list[Suggestion]:
        """At most `limit` matters that `text` may be about, best first; none when no keyword is in it.

        The score grows with the characters of the keywords matched, a word within a longer one counting once. Between
        equals the order of the file decides. The place is sought in `address`, then in `text`.
        """
        said, where = plain(text), plain(address or "")
        matched = ((item, _matching(item, said)) for item in self.items.values())
        found = [_suggestion(item, because, said, where) for item, because in matched if because]
        return sorted(found, key=lambda suggestion: -suggestion.score)[: max(limit, 0)]


def _matching(item: Item, said: str) -> list[str]:
    # The first word rules out nearly every keyword, so only then the others are looked at.
    return [keyword for keyword, first, others in item.terms if first in said and all(word in said for word in others)]


def _suggestion(item: Item, because: list[str], said: str, where: str) -> Suggestion:
    lead = _lead_at(where, item.areas) or _lead_at(said, item.areas) or item.lead
    return Suggestion(
        item=item.code,
        name=item.name,
        category=item.category,
        lead=lead,
        assisting=tuple(unit for unit in item.assisting if unit != lead),
        outage=item.outage,
        score=_score(because),
        because=because,
    )


def _score(keywords: list[str]) -> float:
    words = {word for keyword in keywords for word in keyword.split()}
    longest = [word for word in words if not any(word in other for other in words - {word})]
    characters = sum(map(len, longest))
    return round(characters / (characters + HALF_SURE), 3)


def _lead_at(where: str, areas: Mapping[str, str]) -> str | None:
    """A Chinese address goes from large to small, so the area named last is the smallest."""
    ends = {word: where.rindex(word) + len(word) for word in areas if word in where}
    return areas[max(ends, key=lambda word: (ends[word], len(word)))] if ends else None


class _Row(_Matter):
    areas: str | None = None
    """Name of one of the file's `[areas.<name>]` tables: many matters are divided in the same way."""


class _File(Frozen):
    areas: dict[str, dict[Word, Code]] = Field(default_factory=dict)
    item: Annotated[tuple[_Row, ...], Field(min_length=1)]


def load_catalog(path: Path, units: Collection[str], categories: Collection[str]) -> Catalog:
    """Read a city's catalog: `[[item]]` tables, and `[areas.<name>]` tables that items name.

    `units` and `categories` are the codes that exist. Raises ConfigError naming the file, the key and what is wrong,
    also for a unit, category or table of areas that does not exist, a code given twice, a unit named twice in an item.
    """
    file = read_as(path, _File)
    for name, areas in file.areas.items():
        for word, unit in areas.items():
            check_known(path, f"areas.{name}.{word}", unit, units, "a unit")
    rows = by_code(path, "item", file.item)
    for n, row in enumerate(file.item):
        _check(path, f"item.{n}", row, file, units, categories)
    return Catalog(items={code: _item(row, file) for code, row in rows.items()})


def _check(path: Path, key: str, row: _Row, file: _File, units: Collection[str], categories: Collection[str]) -> None:
    check_known(path, f"{key}.category", row.category, categories, "a category")
    check_known(path, f"{key}.lead", row.lead, units, "a unit")
    named = {row.lead}
    for unit in row.assisting:
        check_known(path, f"{key}.assisting", unit, units, "a unit")
        if unit in named:
            raise ConfigError(path, f"{key}.assisting", f"'{unit}' is named twice")
        named.add(unit)
    if row.areas is not None:
        check_known(path, f"{key}.areas", row.areas, file.areas, "one of the [areas] tables")


def _item(row: _Row, file: _File) -> Item:
    areas = file.areas[row.areas] if row.areas else {}
    return Item(**row.model_dump(exclude={"areas"}), areas=areas)
