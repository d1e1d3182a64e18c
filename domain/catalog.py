"""派单目录: which matter is whose, from which day on, and suggestions from the words of a request.

Suggestions are for the dispatcher to accept or not; what they rest on is always shown.
"""

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, Field, PrivateAttr, StrictBool, StringConstraints

from domain.limits import Limit
from domain.matching import Word, plain
from domain.rulebook import Frozen
from domain.tables import Code, Name

HALF_SURE = 4
"""Characters of matched words that make a score of one half."""


def _plain_words(keyword: str) -> str:
    return " ".join(map(plain, keyword.split()))


Keyword = Annotated[
    str, AfterValidator(_plain_words), StringConstraints(min_length=2, max_length=40, pattern=r"^[^,;、]*$")
]
"""A word, or several apart by spaces that must all be there: `护栏 缺失`. No comma or the like: those stand between."""

Source = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Matter(Frozen):
    """One version of a matter of the catalog, and the units that handle it."""

    code: Code
    """服务代码: stays the same through all versions and names the matter to other systems (Open311 `service_code`)."""

    name: Name
    category: str
    """Code of a category of the rulebook: the usual one; the agent may choose another."""

    keywords: Annotated[tuple[Keyword, ...], Field(min_length=1)]
    lead: Code
    assisting: Annotated[tuple[Code, ...], Field(max_length=10)] = ()

    outage: StrictBool = False
    """Whether it is a large outage, with the short clocks (细则 no. 8)."""

    limit: Limit | None = None
    """Its own handling limit in working days, in place of the category's."""

    limit_source: Source | None = None
    """Where that limit comes from."""

    valid_from: date | None = None
    """First day (local to the city) of this version; without it, from the beginning."""

    valid_until: date | None = None
    """Last day of this version; without it, until the next version of the matter begins, if ever."""

    @property
    def begins(self) -> date:
        return self.valid_from or date.min

    @property
    def ends(self) -> date:
        """Its last day, unless another version begins before."""
        return self.valid_until or date.max


class Item(Matter):
    """One version of a matter of the catalog, with who leads where."""

    areas: dict[Word, Code] = Field(default_factory=dict)
    """Word of an address → the unit that leads there instead of `lead` (属地管理)."""


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
    """The matters of a city on one day, by code, in the order of the file."""

    items: dict[str, Item]

    @cached_property
    def first_words(self) -> dict[int, dict[str, list[tuple[int, Item]]]]:
        """By length, the first words of keywords, and the items that have one, each with its place in the file."""
        found: dict[int, dict[str, list[tuple[int, Item]]]] = {}
        for place, item in enumerate(self.items.values()):
            for keyword in item.keywords:
                first = keyword.split()[0]
                found.setdefault(len(first), {}).setdefault(first, []).append((place, item))
        return found

    def suggest(self, text: str, address: str | None = None, limit: int = 3) -> list[Suggestion]:
        """At most `limit` matters that `text` may be about, best first; none when no keyword is in it.

        The score grows with the characters of the keywords matched, a word within a longer one counting once. Between
        equals the order of the file decides. The place is sought in `address`, then in `text`.
        """
        said, where = plain(text), plain(address or "")
        matched = ((item, _matching(item, said)) for item in self._likely(said))
        found = sorted((match for match in matched if match[1]), key=lambda match: -_score(match[1]))
        return [_suggestion(item, because, said, where) for item, because in found[: max(limit, 0)]]

    def _likely(self, said: str) -> list[Item]:
        """The items of which some keyword's first word is in `said`: few of them, however many there are."""
        found = {
            place: item
            for length, words in self.first_words.items()
            for start in range(len(said) - length + 1)
            for place, item in words.get(said[start : start + length], ())
        }
        return [found[place] for place in sorted(found)]


class VersionedCatalog(Frozen):
    """All versions of all matters. On any day at most one version of a matter is in force: the one begun last."""

    versions: tuple[Item, ...]

    _in_force: dict[int, Catalog] = PrivateAttr(default_factory=dict)

    @cached_property
    def changes(self) -> tuple[date, ...]:
        """The days on which another catalog comes into force, in order."""
        begun = {item.valid_from for item in self.versions if item.valid_from}
        after = {item.ends + timedelta(days=1) for item in self.versions if item.ends < date.max}
        return tuple(sorted(begun | after))

    def on(self, day: date) -> Catalog:
        """The catalog in force on a day local to the city; empty before the first version of anything."""
        era = bisect_right(self.changes, day)
        if era not in self._in_force:
            self._in_force[era] = self._begun_by(day)
        return self._in_force[era]

    def _begun_by(self, day: date) -> Catalog:
        latest: dict[str, Item] = {}
        for item in sorted(self.versions, key=lambda item: item.begins):
            if item.begins <= day:
                latest[item.code] = item
        in_force = (item for item in self.versions if latest.get(item.code) is item and day <= item.ends)
        return Catalog(items={item.code: item for item in in_force})


def _matching(item: Item, said: str) -> list[str]:
    return [keyword for keyword in item.keywords if all(word in said for word in keyword.split())]


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
