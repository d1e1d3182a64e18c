"""What is wrong with one case, if what the ledger has of it is not what was once recorded."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from operator import itemgetter
from typing import Any

from domain.events import EventKind
from ledger.chain import first_link, link, seal_case, seal_note, seal_request
from ledger.models import PERSONAL

Row = Mapping[str, Any]


class Wrong(Enum):
    """What can be wrong, in English and in Chinese."""

    def __init__(self, en: str, zh: str) -> None:
        self.en, self.zh = en, zh

    CHANGED = (
        "it was changed, or does not belong here: its hash does not follow from the one before",
        "内容被改动或次序不符：校验值与前一条不衔接",
    )
    UNREADABLE = ("it was changed: it holds what cannot be read", "内容被改动：存有无法读取的值")
    MISSING = ("it is missing: the case has event {}", "缺失：工单另有第{}条经过")
    EXTRA = ("it is one too many: the case has {} events", "多余：工单只有{}条经过")
    NOT_LAST = ("it is not the last event that the case names", "不是工单所记的最后一条经过")
    NO_CASE = ("its case is missing", "所属工单缺失")
    NOT_KEPT = ("it is missing, though its hash was kept elsewhere", "缺失：另行留存的校验值中有此条")
    NOT_AS_KEPT = ("its hash is not the one that was kept elsewhere", "校验值与另行留存的不一致")
    REQUEST = ("the request is not the one that was accepted", "诉求内容与受理时不一致")
    REQUEST_UNPROVED = (
        "the request can no longer be proved, though it was never erased",
        "诉求内容无法核验，且未经清除个人信息",
    )
    ERASURE_UNRECORDED = ("the request was erased without a record of it", "个人信息被清除，却没有清除记录")
    REQUEST_ERASED = ("the request was erased, but says something", "个人信息已清除，却又有内容")
    OTHER_REQUEST = ("it was recorded for another request", "对应的是另一件诉求")
    TEXT = ("its text was changed", "附文被改动")
    TEXT_MISSING = ("its text is missing", "附文缺失")
    TEXT_REPLACED = ("its text was put in another's place", "附文被替换")
    TEXT_UNPROVED = (
        "its text can no longer be proved, though it was never erased",
        "附文无法核验，且未经清除个人信息",
    )
    TEXT_ERASED = ("its text was erased, but says something", "附文已清除，却又有内容")
    STANDING = ("the case is not shown as its last event left it", "办理状态与最后一条经过不一致")
    MEASURE = (
        "the measure {} was raised, but this event does not say so",
        "已有监督措施（{}），该条经过却不是其依据",
    )


@dataclass(frozen=True)
class Flaw:
    """The first thing wrong with a case; `event` is None where it is no event, but the case itself."""

    case: str
    event: int | None
    wrong: Wrong
    about: object = ""

    @property
    def what(self) -> str:
        """What is wrong, in one sentence."""
        return self.wrong.en.format(self.about)

    @property
    def what_zh(self) -> str:
        """The same in Chinese."""
        return self.wrong.zh.format(self.about)

    def __str__(self) -> str:
        return f"case {self.case}, {'standing' if self.event is None else f'event {self.event}'}: {self.what}"


@dataclass(frozen=True)
class Kept:
    """What the ledger has of a case."""

    row: Row
    erasure_recorded: bool
    events: list[Row]
    notes: dict[str, Row]
    measures: list[Row]

    def flaws(self) -> Iterator[Flaw]:
        """Everything that is wrong."""
        for flaws in (self._request(), self._chain(), self._end(), self._standing(), self._measures()):
            yield from flaws

    def _flaw(self, event: int | None, wrong: Wrong, about: object = "") -> Flaw:
        return Flaw(self.row["number"], event, wrong, about)

    def _request(self) -> Iterator[Flaw]:
        first = 1 if self.events else None
        if self.row["salt"] is not None:
            if seal_request(self.row["salt"], self.row) != self.row["sealed"]:
                yield self._flaw(first, Wrong.REQUEST)
        elif self.row["erased_at"] is None or self.row["closed_at"] is None:
            yield self._flaw(first, Wrong.REQUEST_UNPROVED)
        elif any(self.row[name] not in (None, "", []) for name in PERSONAL):
            yield self._flaw(first, Wrong.REQUEST_ERASED)
        if self.row["erased_at"] is not None and not self.erasure_recorded:
            yield self._flaw(first, Wrong.ERASURE_UNRECORDED)

    def _chain(self) -> Iterator[Flaw]:
        previous, expected = first_link(self.row["number"]), 1
        for event in self.events:
            if event["n"] != expected:
                yield self._flaw(expected, Wrong.MISSING, event["n"])
            if link(previous, event) != event["hash"]:
                yield self._flaw(event["n"], Wrong.CHANGED)
            if wrong := self._words(event):
                yield self._flaw(event["n"], wrong)
            previous, expected = event["hash"] or "", event["n"] + 1

    def _words(self, event: Row) -> Wrong | None:
        """What is wrong with the personal words that belong to an event."""
        if event["n"] == 1:
            return Wrong.OTHER_REQUEST if event["sealed"] != self.row["sealed"] else None
        if event["note"] is None:
            return None
        note = self.notes.get(event["note"])
        if note is None:
            return Wrong.TEXT_MISSING if event["sealed"] else None
        if event["sealed"] != note["sealed"]:
            return Wrong.TEXT_REPLACED
        if note["salt"] is not None:
            return None if seal_note(note["salt"], note["text"]) == note["sealed"] else Wrong.TEXT
        if self.row["erased_at"] is None:
            return Wrong.TEXT_UNPROVED
        return Wrong.TEXT_ERASED if note["text"] else None

    def _end(self) -> Iterator[Flaw]:
        shown, last = self.row["last_event"], self.events[-1]["n"] if self.events else 0
        if last < shown:
            yield self._flaw(last + 1, Wrong.MISSING, shown)
        elif last > shown:
            yield self._flaw(shown + 1, Wrong.EXTRA, shown)
        elif self.row["head"] != (self.events[-1]["hash"] if self.events else None):
            yield self._flaw(last or None, Wrong.NOT_LAST)

    def _standing(self) -> Iterator[Flaw]:
        seal = seal_case(self.row["head"], self.row) if self.row["head"] else None
        if seal != self.row["seal"]:
            yield self._flaw(None, Wrong.STANDING)

    def _measures(self) -> Iterator[Flaw]:
        raised = {event["n"]: event for event in self.events if event["kind"] == EventKind.ESCALATED}
        same = itemgetter("action", "unit", "clock", "due", "at")
        for measure in self.measures:
            event = raised.get(measure["event"])
            if event is None or same(event) != same(measure):
                yield self._flaw(measure["event"], Wrong.MEASURE, measure["action"])
