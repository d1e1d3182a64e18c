"""电话号码: a mobile number has one spelling, by which it is texted, counted and compared."""

import re

MOBILE = re.compile(r"(?:(?:\+|00)?86)?[- ]?(1\d\d)[- ]?(\d{4})[- ]?(\d{4})", re.ASCII)


def mobile(phone: str) -> str | None:
    """The eleven digits of a mobile number of the mainland, with or without 86, spaces and hyphens; None for others."""
    found = MOBILE.fullmatch(phone)
    return "".join(found.groups()) if found else None
