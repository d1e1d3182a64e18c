"""Who may do what: every route against every post, each by the row of the role table that the route itself names."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from api.access import COOKIE
from api.app import create_app
from api.citizens import BY_CODE
from api.examples import STEP_EXAMPLES
from api.open311 import ROUTERS
from api.rates import CODE_HEADER
from domain.roles import MAY, Role
from domain.steps import PEOPLE_STEPS
from ledger.keys import create_key, revoke_key
from tests.api.conftest import Site

OPEN = {
    "/health", "/ready", "/openapi.json", "/docs", "/docs/assets", "/redoc", "/codec/sign-in", "/codec/sign-out",
}  # fmt: skip
"""What is open to all: whether we run, the documentation, and the page on which a browser signs in."""

BY_TOKEN = {f"/sms/receipts/{gateway}" for gateway in ("http", "aliyun", "mas")}
"""What is open to the SMS gateway alone, by a token of its own."""

BY_SIGNATURE = {"/webhooks/units/{unit}", "/webhooks/partners/{partner}", "/webhooks/partners/{partner}/files"}
"""What is open to the systems of others alone, by the signature of each message."""

OPEN311 = {getattr(route, "path", None) for router in ROUTERS for route in router.routes}
"""What Open311 apps use: to file takes what `receive` takes; see tests/api/open311/test_privacy.py."""

NOBODYS = "ZZ-20000101-00001"
PARAMETERS = {"{number}": NOBODYS, "{sha256}": "0" * 64, "{path:path}": "x", "{unit}": "zz-water"}
BODIES: dict[str, dict[str, Any]] = {
    **{f"/cases/{{number}}/{step}": {"json": example} for step, example in STEP_EXAMPLES.items()},
    "/cases/{number}/findings": {"json": {"text": "经核查"}},
    "/cases/{number}/attachments": {"files": {"file": ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(64), "image/png")}},
}
"""A body that each route under a case accepts, by which it comes to say that there is no such case."""

ROLES = [role for role in Role if role is not Role.SYSTEM]


def routes_of(routes: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Every route, those of included routers too."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from routes_of(inner.routes) if inner else [route]


def rows_of(dependant: Dependant) -> Iterator[str]:
    """The rows of the role table that a route depends on."""
    if row := getattr(dependant.call, "row", None):
        yield row
    for dependency in dependant.dependencies:
        yield from rows_of(dependency)


ELSEWISE = OPEN | OPEN311 | BY_TOKEN | BY_SIGNATURE
GUARDED = [route for route in routes_of(create_app().routes) if getattr(route, "path", None) not in ELSEWISE]
TABLE = [
    (method, route.path, row)
    for route in GUARDED
    if isinstance(route, APIRoute)
    for row in rows_of(route.dependant)
    for method in sorted(route.methods or ())
]


def request_of(path: str, secret: str | None) -> tuple[str, dict[str, Any]]:
    """The address, and what is sent with a secret: in a cookie too, for pages that browsers ask for."""
    body = BODIES.get(path, {"json": {}})
    for name, value in PARAMETERS.items():
        path = path.replace(name, value)
    assert "{" not in path, "a parameter without a value here"
    return path, body | ({"headers": {"Cookie": f"{COOKIE}={secret}"}} if secret else {})


def test_every_route_that_is_not_open_goes_by_one_row_of_the_role_table() -> None:
    for route in GUARDED:
        assert isinstance(route, APIRoute), route
        rows = list(rows_of(route.dependant))
        assert len(rows) == 1, (route.path, rows)
        assert rows[0] in MAY, route.path


def test_what_is_open_is_there() -> None:
    assert {getattr(route, "path", None) for route in routes_of(create_app().routes)} >= OPEN | BY_TOKEN | BY_SIGNATURE


def test_every_row_of_the_role_table_has_a_route() -> None:
    assert {row for _, _, row in TABLE} == MAY.keys()


def test_every_step_of_people_is_a_route_of_its_own_row() -> None:
    rows = {path: row for method, path, row in TABLE if method == "POST"}
    assert all(rows[f"/cases/{{number}}/{step}"] == step for step in PEOPLE_STEPS)


@pytest.fixture(scope="session")
async def a_grid(site: Site) -> str:
    """The key of one grid's people; that of the grid platform as a whole reads nothing personal."""
    async with site.ledger.session() as session:
        return await create_key(session, Role.GRID, "zz-g-dulingjie", "test")


async def test_the_grid_platform_as_a_whole_reads_nothing_personal(site: Site) -> None:
    for method, path in [(method, path) for method, path, row in TABLE if row == "read-personal"]:
        answer = await site.call(method, request_of(path, None)[0], "grid")
        assert (answer.status_code, answer.json()["code"]) == (403, "not_your_post"), path


@pytest.mark.parametrize(("method", "path", "row"), TABLE)
async def test_a_route_is_open_to_the_roles_of_its_row_and_no_others(
    site: Site, a_grid: str, method: str, path: str, row: str
) -> None:
    keys = site.keys | {Role.UNIT: site.keys["zz-water"], Role.GRID: a_grid}
    for role in ROLES:
        address, request = request_of(path, keys[role])
        answer = await site.call(method, address, keys[role], **request)
        if role is Role.CITIZEN and row in BY_CODE:
            assert (answer.status_code, answer.json()["code"]) == (401, "no_code"), "their key alone opens no case"
        elif role in MAY[row]:
            assert answer.status_code not in (401, 403), (role, answer.text)
            assert "{number}" not in path or answer.json()["code"] == "no_such_case"
        else:
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (403, "not_your_post"), role
            assert problem["detail"] == f"The role {role} may not take the step {row}."


@pytest.mark.parametrize(("method", "path", "row"), TABLE)
async def test_no_route_opens_without_a_valid_key(site: Site, method: str, path: str, row: str) -> None:
    for secret in (None, site.keys["admin"][:-1]):
        address, request = request_of(path, secret)
        answer = await site.call(method, address, secret, **request)
        by_code = row in BY_CODE and secret is None
        assert (answer.status_code, answer.json()["code"]) == (401, "no_code" if by_code else "no_key")
        assert answer.headers["WWW-Authenticate"] == (CODE_HEADER if by_code else "Bearer")


@pytest.mark.parametrize("change", [str.upper, lambda key: f"{key}x", lambda key: key.rpartition("_")[0]])
async def test_a_key_that_is_nearly_right_is_wrong(site: Site, change: Callable[[str], str]) -> None:
    assert (await site.call("GET", "/cases", change(site.keys["admin"]))).status_code == 401


@pytest.mark.parametrize("value", ["Bearer", "Bearer jk", "Bearer jk__", "Bearer jk_00000000_x", "Bearer 密钥", "密钥"])
async def test_nonsense_is_no_key(site: Site, value: str) -> None:
    answer = await site.call("GET", "/cases", headers={"Authorization": value.encode()})
    assert answer.status_code == 401


async def test_another_scheme_than_bearer_is_no_key(site: Site) -> None:
    answer = await site.call("GET", "/cases", headers={"Authorization": f"Basic {site.keys['admin']}"})
    assert answer.status_code == 401


async def test_a_revoked_key_opens_nothing_any_more(each_site: Site) -> None:
    async with each_site.ledger.session() as session:
        secret = await create_key(session, Role.ADMIN, None, "leaver")
    assert (await each_site.call("GET", "/cases", secret)).status_code == 200
    async with each_site.ledger.session() as session:
        assert await revoke_key(session, secret.split("_")[1])
    assert (await each_site.call("GET", "/cases", secret)).status_code == 401
