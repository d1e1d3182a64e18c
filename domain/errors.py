"""Mistakes in a city's files, told so that whoever keeps the file can mend it."""

import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

_PROBLEMS = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
}
_MOST = 5
"""Problems told at once; of more, only how many."""


class ConfigError(Exception):
    """A city's file cannot be used; reads as one sentence, `<file>: <key>: <what is wrong>`."""

    def __init__(self, path: Path, key: str, problem: str) -> None:
        super().__init__(path, key, problem)
        self.path = path
        self.key = key
        self.problem = problem

    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.path), self.key, self.problem) if part)


def config_error_from(path: Path, error: ValidationError) -> ConfigError:
    """Name the wrong keys of `path` as dotted paths (`day.0.date`), each with its problem, in one sentence."""
    first, *others = error.errors(include_url=False)
    told = [problem_of(first), *(": ".join(filter(None, (_key(o), problem_of(o)))) for o in others[: _MOST - 1])]
    if more := len(others) + 1 - len(told):
        told.append(f"and {more} more")
    return ConfigError(path, _key(first), "; ".join(told))


def _key(error: ErrorDetails) -> str:
    return ".".join(map(str, error["loc"]))


def problem_of(error: ErrorDetails) -> str:
    """What is wrong with one key, in a few words."""
    # A key counts from 0, people count the rungs of a ladder from 1.
    rungs = (n for name, n in pairwise(error["loc"]) if name == "ladder" and isinstance(n, int))
    rung = next((f"rung {n + 1}: " for n in rungs), "")
    return rung + (_PROBLEMS.get(error["type"]) or error["msg"].removeprefix("Value error, "))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises `ConfigError` when the file is missing, cannot be read, or is no TOML (naming the line).
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(path, "", "there is no such file") from None
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, "", "is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, "", f"is not valid TOML: {error}") from error
