"""How words are looked for in what people write."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

FULL_WIDTH = {ord(" "): 0x3000} | {half: half + 0xFEE0 for half in range(ord("!"), ord("~") + 1)}
FULL_WIDTH_MARKS = {ord(mark): FULL_WIDTH[ord(mark)] for mark in "(),:;!?"}
"""What Chinese texts have in full width even where letters and digits are in half."""


def plain(text: str) -> str:
    """`text` without the differences that mean nothing here: full and half width, case, spaces and line breaks."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def spellings(text: str) -> set[str]:
    """`text` as people may have written it: all in half width, all in full width, or only its marks in full width."""
    half = unicodedata.normalize("NFKC", text)
    return {text, half, half.translate(FULL_WIDTH), half.translate(FULL_WIDTH_MARKS)}


Word = Annotated[str, AfterValidator(plain), StringConstraints(min_length=2, max_length=40)]
"""A word to look for in a plain text; one character alone would be found everywhere."""
