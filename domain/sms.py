"""短信规则: when a citizen may be texted, how often, and how what had to wait is put together (`sms.toml`)."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from domain.rulebook import Frozen
from domain.tables import read_as
from domain.texts import LONGEST_TEMPLATE, LONGEST_TEXT, Texts

LONGEST_BRIEF = 120
"""Characters of one piece of news among several in one text."""

SEPARATOR = "；"


class Night(Frozen):
    """夜间免打扰: local hours at which only emergencies are texted; `begins` belongs to it, `ends` does not."""

    begins: time
    ends: time

    def covers(self, clock: time) -> bool:
        """Whether a local time of day belongs to the night, which usually goes on past midnight."""
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


class AliyunTexts(Frozen):
    """The city's signature and its templates as Aliyun has approved them: one code for each text, and for `merged`."""

    sign: str = Field(min_length=1, max_length=40)
    longest_value: int = Field(default=35, ge=20, le=LONGEST_TEXT)
    """Characters of one value: 35 unless Aliyun allows more (help.aliyun.com/document_detail/44357.html)."""
    templates: dict[str, Annotated[str, StringConstraints(pattern=r"^SMS_[0-9]+$")]]

    @model_validator(mode="after")
    def _one_for_each_text(self) -> "AliyunTexts":
        wanted = {*Texts.model_fields, "merged"}
        if wrong := sorted(wanted ^ self.templates.keys()):
            raise ValueError(f"templates: missing or unknown: {', '.join(wrong)}")
        return self


def _opening(template: str) -> str:
    if template.count("{news}") != 1 or template.count("{") != 1:
        raise ValueError("must have {news} once, and no other placeholder")
    return template


class SmsRules(Frozen):
    """When and how often a number is texted. Our decisions: the rules for hotlines are silent on it."""

    source: str = Field(min_length=1)
    night: Night | None = None
    most_a_day: int | None = Field(default=None, ge=1)
    """Texts to one number on one local day; emergencies count, and are sent beyond it too."""

    merged: Annotated[str, StringConstraints(max_length=LONGEST_TEMPLATE), AfterValidator(_opening)]
    """Several pieces of news in one text: {news}."""

    brief: Texts
    """Each text as one piece of news among several."""

    aliyun: AliyunTexts | None = None

    def waits_until(self, at: datetime, zone: ZoneInfo, sent_today: int) -> datetime | None:
        """The instant (UTC) to which a text due at `at` has to wait; None when it may go at once.

        At night it waits for the morning, over the day's number for the next day at an hour that is no night.
        """
        local = at.astimezone(zone)
        if self.most_a_day is not None and sent_today >= self.most_a_day:
            midnight = datetime.combine(local.date() + timedelta(days=1), time(), zone)
            return (self._morning(midnight) or midnight).astimezone(UTC)
        morning = self._morning(local)
        return morning.astimezone(UTC) if morning else None

    def join(self, news: Sequence[str], longest: int = LONGEST_TEXT) -> tuple[str, int]:
        """One text's news of those at the front that fit into one text, and how many they are: one at least.

        `longest` are the characters that the gateway takes in one value.
        """
        room = min(LONGEST_TEXT - len(self.merged.replace("{news}", "")), longest)
        joined, count = news[0][:room], 1
        for piece in news[1:]:
            longer = joined + SEPARATOR + piece
            if len(longer) > room:
                break
            joined, count = longer, count + 1
        return joined, count

    def _morning(self, local: datetime) -> datetime | None:
        night = self.night
        if night is None or not night.covers(local.time()):
            return None
        past_midnight = local.time() < night.ends
        return datetime.combine(local.date() + timedelta(days=0 if past_midnight else 1), night.ends, local.tzinfo)


def day_begins(at: datetime, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) of the local day that `at` belongs to."""
    return datetime.combine(at.astimezone(zone).date(), time(), zone).astimezone(UTC)


def load_sms(path: Path) -> SmsRules:
    """Read a city's rules for texts. Raises ConfigError naming the file, the key and what is wrong."""
    return read_as(path, SmsRules)
