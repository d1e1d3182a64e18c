"""How long something may take: `3wd`, `2h`, `1d`, `30min`."""

import re
from typing import Any, Literal, Self, cast

from pydantic import BaseModel, Field, model_serializer, model_validator

Unit = Literal["wd", "h", "d", "min"]

_FORM = re.compile(r"([1-9][0-9]{0,2})(wd|h|d|min)", re.IGNORECASE)
_CHINESE: dict[Unit, str] = {"wd": "个工作日", "h": "个自然小时", "d": "个自然日", "min": "分钟"}


class Limit(BaseModel, frozen=True):
    """An amount of working days (`wd`), natural hours (`h`), natural days (`d`) or minutes (`min`).

    Written, read and stored as its short text, `3wd`. Amounts run from 1 to 999.
    """

    amount: int = Field(ge=1, le=999)
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `3wd`, `2h`, `1d` or `30min`, in any case, spaces around it ignored.

        Raises `ValueError` naming the accepted forms.
        """
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError(
                f"{text!r} is not a limit: write working days as 3wd, natural hours as 2h, "
                "natural days as 1d or minutes as 30min, from 1 to 999"
            )
        amount, unit = match.groups()
        return cls(amount=int(amount), unit=cast(Unit, unit.lower()))

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self

    @property
    def text(self) -> str:
        """The limit as people read it: `3个工作日`, `2个自然小时`, `1个自然日`, `30分钟`."""
        return f"{self.amount}{_CHINESE[self.unit]}"

    def less(self, working_days: int) -> "Limit":
        """This limit shortened by `working_days`, as for orders sent down by the province.

        Raises `ValueError` when it is not in working days, or when less than one working day would remain.
        """
        if self.unit != "wd":
            raise ValueError(f"only a limit in working days can be shortened by working days, {self} is not one")
        if self.amount - working_days < 1:
            raise ValueError(f"{self} less {working_days} working day(s) leaves no working day")
        return Limit(amount=self.amount - working_days, unit="wd")

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, str):
            return dict(cls.parse(value))
        if isinstance(value, dict | Limit):
            return value
        raise ValueError(f"{value!r} is not a limit: write it as text, such as 3wd")

    @model_serializer
    def _write(self) -> str:
        return str(self)
