"""预警: what sensors say is wrong with one asset, from the first reading until it has ended; what became of each."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from domain.readings import REASONS, Reading
from domain.rulebook import pause
from domain.sensors import MOST_READINGS, Kind

EARLY = timedelta(minutes=5)
"""How far a device's clock may be ahead of ours."""
LATE = timedelta(days=1)
"""How old an event may be and still be acted on: devices keep what they could not send."""
HOUR = timedelta(hours=1)
"""So long a collective case takes in what is confirmed, from its opening on."""


class Became(StrEnum):
    """What became of an event."""

    RECORDED = "recorded"
    """Noted: the first reading of an alert, or nothing that changes anything."""
    JOINED = "joined"
    """Counted to the alert that is open, and to its case if it has one."""
    CONFIRMED = "confirmed"
    """It confirmed its alert, which has a case now."""
    RECOVERED = "recovered"
    """All is well again: its open alert knows."""
    REPEATED = "repeated"
    """It was taken in before."""
    REFUSED = "refused"


class Outcome(BaseModel):
    """What became of one event."""

    model_config = ConfigDict(frozen=True)

    became: Became
    alert: int | None = None
    case: str | None = None
    """Number of the proactive case of its alert."""
    opened: bool = False
    """Whether that case was opened for it just now."""
    code: str | None = None
    detail: str | None = None
    detail_zh: str | None = None


def refusal(code: str) -> Outcome:
    """An event that is refused, by a code of `domain.readings.REASONS`."""
    detail, detail_zh = REASONS[code]
    return Outcome(became=Became.REFUSED, code=code, detail=detail, detail_zh=detail_zh)


def untimely(reading: Reading, now: datetime) -> str | None:
    """The code of the refusal of an event from the future or long ago, if it is one."""
    if reading.at > now + EARLY:
        return "from_the_future"
    return "too_old" if reading.at < now - LATE else None


def clocks_ahead(readings: Sequence[Reading], now: datetime) -> dict[str, timedelta]:
    """By how much the clock of each asset is ahead of ours, going by those of its readings that are not refused.

    All of them are set back by it: else what another clock says next would seem older.
    """
    ahead = defaultdict[str, timedelta](timedelta)
    for reading in readings:
        if reading.at <= now + EARLY:
            ahead[reading.asset] = max(ahead[reading.asset], reading.at - now)
    return ahead


@dataclass
class Alert:
    """One asset's alert of one kind. Instants are UTC; fields are as `ledger.models.AlertRow` says."""

    asset: str
    kind: str
    unit: str
    grid: str | None
    area: str | None
    longitude: float | None
    latitude: float | None
    first_at: datetime
    last_at: datetime
    expires_at: datetime
    recent: list[str] = field(default_factory=list)
    readings: int = 0
    last_value: float | None = None
    id: int | None = None
    case_number: str | None = None
    opened: bool = False
    collective: bool = False
    confirmed_at: datetime | None = None
    recovered_at: datetime | None = None
    steady_at: datetime | None = None
    told_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def position(self) -> tuple[float, float] | None:
        """Longitude and latitude of what moves, as its latest event said."""
        return None if self.longitude is None or self.latitude is None else (self.longitude, self.latitude)

    def count(self, kind: Kind, reading: Reading, now: datetime) -> bool:
        """Count a reading that says something is wrong, in whatever order they come; whether it confirms the alert."""
        at = reading.at.astimezone(UTC)
        self.readings += 1
        self.first_at = min(at, self.first_at)
        if at >= self.last_at:
            self.last_at, self.last_value = at, reading.value
            self.longitude, self.latitude = reading.position or (self.longitude, self.latitude)
        if self.recovered_at is not None and at > self.recovered_at:
            self.recovered_at = self.steady_at = self.told_at = None
        if self.confirmed_at is not None:
            return False
        self.expires_at = self.last_at + pause(kind.expires)
        self.recent = sorted({*self.recent, at.isoformat(timespec="microseconds")})[-MOST_READINGS:]
        if not kind.confirm.by([datetime.fromisoformat(instant) for instant in self.recent], reading.value):
            return False
        self.confirmed_at = now
        return True

    def recover(self, kind: Kind, reading: Reading) -> bool:
        """Note that all is well again, unless something was wrong later; an unconfirmed alert ends with that."""
        at = reading.at.astimezone(UTC)
        if at < self.last_at:
            return False
        new, self.recovered_at = self.recovered_at is None, max(at, self.recovered_at or at)
        self.steady_at = self.steady_at or max(at + pause(kind.steady), self._collected_until)
        if self.confirmed_at is None:
            self.ended_at = at
        return new

    @property
    def _collected_until(self) -> datetime:
        """Until when the collective case that it opened takes in others, or long ago."""
        if self.confirmed_at is None or not (self.collective and self.opened):
            return datetime.min.replace(tzinfo=UTC)
        return self.confirmed_at + HOUR

    def expire(self, at: datetime) -> bool:
        """End an alert that nothing confirmed in time."""
        if self.confirmed_at is None and at > self.expires_at:
            self.ended_at = self.expires_at
        return self.ended_at is not None
