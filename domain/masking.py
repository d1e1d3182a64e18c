"""脱敏: what is left of personal words for those who need not know whom they are about."""

import re

HIDDEN = "***"

DIGIT = "[\\d〇零一二三四五六七八九幺]"
NUMBER = re.compile(rf"{DIGIT}(?:[\W_]{{0,3}}{DIGIT}){{6,}}[xX]?")
"""What may be a phone, identity card or bank card number: seven digits or more, written as they may be spoken too."""


MAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", re.ASCII)

ADDRESS = "先生|女士|小姐|老师|师傅|阿姨|大爷|大妈|同志"
ADDRESSED = re.compile(rf"({ADDRESS})$")
"""How somebody is called who gave a surname only."""


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
    """The words without numbers and mail addresses, and without the name wherever it stands in them.

    Of 张先生 only the surname is known: it goes wherever it stands, with the given name's two characters at most. What
    else tells who somebody is, no program knows.
    """
    return mask_numbers(MAIL.sub(HIDDEN, _without_name(words, name) if name else words))


def _without_name(words: str, name: str) -> str:
    surname = ADDRESSED.sub("", name)
    if surname == name:
        return words.replace(name, HIDDEN) if len(name) > 1 else words
    return re.sub(rf"{re.escape(surname)}({ADDRESS}|[\u4e00-\u9fff]{{1,2}})", HIDDEN, words)
