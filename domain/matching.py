"""How words are looked for in what people write."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints


def plain(text: str) -> str:
    """`text` without the differences that mean nothing here: full and half width, case, spaces and line breaks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


Word = Annotated[str, AfterValidator(plain), StringConstraints(min_length=2, max_length=40)]
"""A word to look for in a plain text; one character alone would be found everywhere."""
