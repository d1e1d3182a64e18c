"""Citizens at a case of theirs: they show the code that came with the first text message."""

from datetime import datetime
from math import ceil

from fastapi.security import APIKeyHeader

from api.problems import Problem, too_soon
from api.rates import CODE_HEADER
from api.service import Service, now
from domain.roles import MAY, Actor, Role
from ledger.attempts import try_code

code_header = APIKeyHeader(
    name=CODE_HEADER,
    scheme_name="CaseCode",
    auto_error=False,
    description="The eight digits that the citizen was texted with the number of the case. They open that case alone, "
    "to a citizen. With an API key of the role citizen they are needed besides; with any other, the key decides and "
    "they are not looked at.",
)

BY_CODE = frozenset(row for row, roles in MAY.items() if Role.CITIZEN in roles) - {"receive"}
"""What citizens do with a case: everything of theirs but opening one."""

CITIZEN = Actor(role=Role.CITIZEN, id="code")
"""Whoever shows the code."""


async def check_code(jiesu: Service, number: str, code: str | None, address: str) -> None:
    """Let pass whoever shows the code of a case.

    Raises Problem 401 for a wrong one, in the same words whether or not there is such a case, and Problem 429 while
    case or address are locked after too many wrong ones.
    """
    if code is None:
        raise _no_code()
    at = now()
    attempt = await jiesu.ledger.run(try_code, number, code, address, at)
    if attempt.locked_until is not None:
        raise _locked(attempt.locked_until, at)
    if not attempt.right:
        raise _wrong_code()


def _no_code() -> Problem:
    return Problem(
        401,
        "no_code",
        f"Send the code of the case as `{CODE_HEADER}: …`, or a valid API key as `Authorization: Bearer …`.",
        "请提供短信中的查询码，或有效的访问密钥。",
        headers={"WWW-Authenticate": CODE_HEADER},
    )


def _wrong_code() -> Problem:
    return Problem(
        401,
        "wrong_code",
        "Case number and code do not belong together.",
        "工单编号或查询码不正确。",
        headers={"WWW-Authenticate": CODE_HEADER},
    )


def _locked(until: datetime, at: datetime) -> Problem:
    seconds = max(1, ceil((until - at).total_seconds()))
    return too_soon("too_many_attempts", "Too many wrong codes", "查询码错误次数过多", seconds)
