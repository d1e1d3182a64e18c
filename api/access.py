"""Who is asking: API keys with a role, sent as `Authorization: Bearer`."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.problems import Problem
from api.service import Service, service
from domain.roles import Actor, Role, may
from ledger.keys import find_key

bearer = HTTPBearer(auto_error=False, description="An API key: `jiesu key create --role ROLE [--unit UNIT]`.")


async def current_actor(
    jiesu: Annotated[Service, Depends(service)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Actor:
    """The bearer of the key. Raises Problem 401 for a missing, unknown or revoked one."""
    if credentials is not None:
        async with jiesu.ledger.session() as session:
            key = await find_key(session, credentials.credentials)
        if key is not None:
            return Actor(role=Role(key.role), id=key.id, unit=key.unit)
    raise Problem(
        401,
        "no_key",
        "Send a valid API key as `Authorization: Bearer …`.",
        "请提供有效的访问密钥。",
        headers={"WWW-Authenticate": "Bearer"},
    )


def allowed(step: str) -> Callable[[Actor], Awaitable[Actor]]:
    """A dependency that lets through only the roles that may take `step`; the table is `domain.roles.MAY`."""

    async def check(actor: Annotated[Actor, Depends(current_actor)]) -> Actor:
        if not may(actor.role, step):
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
