"""Who is asking: API keys with a role, and OpenID Connect tokens, sent as `Authorization: Bearer`."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.citizens import BY_CODE, CITIZEN, check_code, code_header
from api.fields import CaseNumber
from api.problems import Problem
from api.rates import KNOWN, address_of
from api.service import Jiesu, Service
from domain.roles import Actor, Role, permitted
from ledger.keys import find_key

bearer = HTTPBearer(
    auto_error=False,
    description="An API key (`jiesu key create --role ROLE [--unit UNIT]`) or an OpenID Connect token.",
)

COOKIE = "jiesu_key"
"""Where a browser that has signed in keeps its key; only the codec server and the Web UI are sent it."""


async def current_actor(
    jiesu: Jiesu,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Actor:
    """The bearer of the key or token. Raises Problem 401 for one that is missing, unknown or not in force."""
    return await actor_of(jiesu, credentials.credentials if credentials else None)


async def bearer_or_browser(
    request: Request,
    jiesu: Jiesu,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Actor:
    """The bearer of the key or token, or whoever signed in with this browser. Raises as `current_actor` does."""
    return await actor_of(jiesu, credentials.credentials if credentials else request.cookies.get(COOKIE))


async def actor_of(jiesu: Service, secret: str | None) -> Actor:
    """The bearer of a key or token, wherever it came from. Raises Problem 401 as `current_actor` does."""
    if secret:
        if jiesu.tokens is not None and _is_token(secret):
            return await jiesu.tokens.actor(secret)
        async with jiesu.ledger.session() as session:
            key = await find_key(session, secret)
        if key is not None:
            return Actor(role=Role(key.role), id=key.id, unit=key.unit)
    raise Problem(
        401,
        "no_key",
        "Send a valid API key or token as `Authorization: Bearer …`.",
        "请提供有效的访问密钥或登录凭证。",
        headers={"WWW-Authenticate": "Bearer"},
    )


async def citizen_or_staff(
    request: Request,
    number: CaseNumber,
    jiesu: Jiesu,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    code: Annotated[str | None, Depends(code_header)],
) -> Actor:
    """The bearer of a key or token; without one, or if it is a citizen's, whoever shows the code of the case.

    Raises Problem 401 as `current_actor` and `check_code` do, and Problem 429 as `check_code` does.
    """
    actor = await actor_of(jiesu, credentials.credentials) if credentials else CITIZEN
    if actor.role is Role.CITIZEN:
        await check_code(jiesu, number, code, address_of(request.scope))
    return actor


def _is_token(credentials: str) -> bool:
    return not credentials.startswith("jk_") and credentials.count(".") == 2


_IDENTIFY = {**dict.fromkeys(BY_CODE, citizen_or_staff), "decode": bearer_or_browser}
"""How to tell who is asking, where it is not by key or token alone."""


def allowed(step: str) -> Callable[[Request, Actor], Awaitable[Actor]]:
    """A dependency that lets through only the roles that may take `step`; the table is `domain.roles.MAY`."""
    identify = _IDENTIFY.get(step, current_actor)

    async def check(request: Request, actor: Annotated[Actor, Depends(identify)]) -> Actor:
        setattr(request.state, KNOWN, True)
        if not permitted(actor, step):
            raise Problem(
                403,
                "not_your_post",
                f"The role {actor.role} may not take the step {step}.",
                f"当前岗位无权进行该操作（{step}）。",
            )
        return actor

    check.row = step  # type: ignore[attr-defined]  # by which tests find the row of a route
    return check


Reader = Annotated[Actor, Depends(allowed("read"))]
