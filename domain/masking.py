"""脱敏: what is left of personal words for those who need not know whom they are about."""

import re

HIDDEN = "***"

NUMBER = re.compile(r"\d(?:[\W_]{0,3}\d){6,}[xX]?")
"""What may be a phone, identity card or bank card number: seven digits or more, whatever stands between them."""


def mask_name(name: str) -> str:
    """`王女士` → `王**`."""
    return f"{name[0]}**" if len(name) > 1 else "**"


def mask_phone(phone: str) -> str:
    """`138 0000 1234` → `138****1234`; of a number too short for that nothing is left."""
    digits = re.sub(r"\D", "", phone)
    if len(digits) > 11:
        digits = digits.removeprefix("86")
    return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else "****"


def mask_numbers(words: str) -> str:
    """The words without any number by which somebody could be reached or found."""
    return NUMBER.sub(HIDDEN, words)


def anonymous(words: str, name: str | None) -> str:
    """The words without numbers, and without the name wherever it stands in them."""
    return mask_numbers(words.replace(name, HIDDEN) if name and len(name) > 1 else words)
