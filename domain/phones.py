"""电话号码: a mobile number has one spelling, by which it is texted, counted and compared."""

import re
import unicodedata

MOBILE = re.compile(r"(?:(?:\+|00)?86)?[- ]?(1\d\d)[- ]?(\d{4})[- ]?(\d{4})", re.ASCII)


def mobile(phone: str) -> str | None:
    """The eleven digits of a mobile number of the mainland; None for others.

    It may have 86 in front, and spaces and hyphens between; any of its characters may be of full width.
    """
    found = MOBILE.fullmatch(unicodedata.normalize("NFKC", phone))
    return "".join(found.groups()) if found else None
