"""What the ledger refuses."""


class KeyReused(Exception):
    """A key that was already used comes back with another body."""

    def __init__(self, key: str) -> None:
        super().__init__(f"key {key!r} was already used with another body")
        self.key = key


class BadCursor(ValueError):
    """A cursor that no page of ours gave out."""


class TooManyFiles(Exception):
    """A case has as many files as it may have."""


class CaseErased(Exception):
    """The personal data of a case has been removed; none may come to it any more."""


class EventsMissing(Exception):
    """Events that would leave a gap: the ledger has lost what came before, or was put in another's place."""

    def __init__(self, case_number: str, last: int, n: int) -> None:
        super().__init__(f"event {n} of case {case_number} cannot follow event {last}, the last that the ledger has")


class Unreadable(Exception):
    """Somebody changed the database so that a case cannot be read any more; reads as one sentence."""

    def __init__(self, case_number: str, flaw: str | None = None) -> None:
        super().__init__(flaw or f"case {case_number} holds what cannot be read")
        self.case_number = case_number
