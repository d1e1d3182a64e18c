"""The port to SMS gateways: what an adapter is given, and what it answers or raises."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from activities.http import address_of
from domain.texts import LONGEST_TEXT

ENDPOINT = "JIESU_ENDPOINT_SMS"

BAD_NUMBER = "bad_number"
"""Type of the error of a gateway that will never reach this number; the case is then marked as unreachable."""


@dataclass(frozen=True)
class Text:
    """One text to one number."""

    key: str
    """The message's key: where a gateway keeps a name of ours with a text, it is this."""
    phone: str = field(repr=False)
    kind: str
    """Which text of `texts.toml` it is, or `merged`."""
    words: str = field(repr=False)
    """The whole text, the city's 【signature】 in front."""
    values: Mapping[str, str] = field(repr=False)
    """What the placeholders of its template became."""
    again: bool = False
    """Whether an earlier try may have succeeded without our learning of it."""


class Gateway(Protocol):
    """Sends texts, all through one provider."""

    longest_value: int = LONGEST_TEXT
    """Characters of what one placeholder becomes: longer values are cut, and news that would be is not merged."""

    async def send(self, text: Text) -> str | None:
        """Hand over one text; returns the gateway's reference, if it gives one.

        Raises ApplicationError: retryable for whatever may pass or people can mend (a gateway that is down, a wrong
        password, an empty account), not retryable where it will never take this text; with type `bad_number` where the
        number is the reason. Never with anything of text, number or secret in it.
        """
        ...


def endpoint() -> str:
    """The gateway's address, as of `address_of`."""
    return address_of(ENDPOINT, "the SMS gateway")
