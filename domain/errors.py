"""Mistakes in a city's files, told so that whoever keeps the file can mend it."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

_PROBLEMS = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
}


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
    """Name the first wrong key of `path` as a dotted path (`day.0.date`), and how many others there are."""
    first, *others = error.errors(include_url=False)
    problem = _PROBLEMS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    if others:
        problem += f" (and {len(others)} more)"
    return ConfigError(path, ".".join(map(str, first["loc"])), problem)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises `ConfigError` when the file is missing, cannot be read, or is no TOML (naming the line).
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(path, "", "there is no such file") from None
    except OSError as error:
        raise ConfigError(path, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(path, "", "is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, "", f"is not valid TOML: {error}") from error
