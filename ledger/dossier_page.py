"""A case's full record as a page for people: in Chinese, to be read or printed, with nothing loaded from anywhere."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from domain import words
from domain.city import City
from domain.deadlines import show
from domain.events import EventKind
from domain.story import PARTY, facts_in_words
from ledger.alert_cases import OPENED_BY
from ledger.dossier import Message, Record, RecordedEvent

PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("pages")),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(record: Record, city: City) -> str:
    """The page as HTML. Instants are told as the city reads them."""
    return PAGES.get_template("dossier.html").render(record=record, to=_Wording(city))


class _Wording:
    """How codes, instants and amounts read; what is not of ours, for somebody changed it, is shown as it is."""

    def __init__(self, city: City) -> None:
        self._city = city
        units = {code: unit.name for code, unit in city.units.items()}
        partners = {code: partner.name for code, partner in city.partners.items()}
        self._names = partners | units | {code: grid.name for code, grid in city.grids.items()}
        self.city = city.rulebook.city

    def day(self, at: datetime | None) -> str:
        return show(at, self._city.rulebook.days) if at else "—"

    def name(self, code: str | None) -> str:
        return self._names.get(code, code) if code else "—"

    def names(self, codes: list[str]) -> str:
        return "、".join(map(self.name, codes)) or "—"

    def who(self, id: str) -> str:
        """The holder of a key as it is called, a system that acts by messages as whose it is."""
        if id == OPENED_BY:
            return "传感器"
        kind, _, code = id.partition(":")
        return self.name(code) if kind in SYSTEMS and code else id

    def item(self, code: str | None, at: datetime) -> str:
        """An item by its name in the catalog that was in force at an instant."""
        found = self._city.catalog_at(at).items.get(code or "")
        return found.name if found else code or "—"

    def untold(self, message: Message) -> str:
        """Why somebody could not be told, and whether that is tried again."""
        error = message.error or ""
        status = error.removeprefix("http_")
        why = f"系统返回错误{status}" if status != error else words.UNTOLD.get(error, error)
        return f"{why}，正在重试" if message.status == "sending" and why else why

    def category(self, code: str) -> str:
        found = self._city.rulebook.categories.get(code)
        return found.name if found else code

    def situation(self, code: str | None) -> str:
        found = self._city.rulebook.situations.get(code or "")
        return found.name if found else code or ""

    def word(self, table: str, code: str | None) -> str:
        known: dict[Any, str] = TABLES[table]
        return known.get(code, code) if code else "—"

    def words(self, table: str, codes: list[str]) -> str:
        return "、".join(self.word(table, code) for code in codes) or "—"

    def what(self, event: RecordedEvent) -> str:
        escalated = event.kind == EventKind.ESCALATED and event.action
        return self.word("action", event.action) if escalated else self.word("event", event.kind)

    def facts(self, event: RecordedEvent) -> str:
        facts = dict(event.facts)
        try:
            if "now" in facts:
                facts["now"] = datetime.fromisoformat(facts["now"])
            return "，".join(facts_in_words(EventKind(event.kind), facts, self._city.rulebook, self.name))
        except (ValueError, TypeError, KeyError, AttributeError):
            return json.dumps(event.facts, ensure_ascii=False)

    def late(self, seconds: int | None) -> str:
        """Such as 逾期2天3小时."""
        if seconds is None:
            return ""
        minutes, hours, days = seconds // 60 % 60, seconds // 3600 % 24, seconds // 86400
        parts = [(days, "天"), (hours, "小时"), (minutes, "分")]
        return "逾期" + ("".join(f"{amount}{unit}" for amount, unit in parts if amount) or "不足1分")


SYSTEMS = ("partner", "webhook", "open311")
"""How ids of those begin who act by messages of their systems."""

TABLES: dict[str, dict[Any, str]] = {
    "role": {**words.ROLE},
    "status": {**words.STATUS},
    "outcome": {**words.OUTCOME},
    "clock": {**words.CLOCK},
    "action": {**words.ACTION},
    "event": {**words.EVENT},
    "party": {**PARTY},
    "channel": {**words.CHANNEL},
    "mark": {**words.MARK},
    "vulnerable": {**words.VULNERABLE},
    "sending": {**words.SENDING},
    "commitment": {**words.COMMITMENT},
    "read": {**words.READ},
}
