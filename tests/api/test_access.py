"""Who may do what: every route against every post."""

from collections.abc import Callable
from typing import Any

import pytest

from api.app import create_app
from api.examples import STEP_EXAMPLES
from domain.roles import MAY, Role
from domain.steps import PEOPLE_STEPS
from ledger.keys import create_key, revoke_key
from tests.api.conftest import Site

OPEN = {"/health", "/ready"}
NOBODYS = "ZZ-20000101-00001"
DOCUMENT = create_app().openapi()
ROUTES = [
    (method.upper(), path)
    for path, operations in DOCUMENT["paths"].items()
    for method in operations
    if path not in OPEN
]
ROLES = [role for role in Role if role is not Role.SYSTEM]


def row_of(method: str, path: str) -> str:
    """The row of the role table that a route belongs to."""
    if method == "GET":
        return "read"
    return path.rsplit("/", 1)[1] if "{number}" in path else "receive"


def request_of(path: str) -> tuple[str, dict[str, Any]]:
    example = STEP_EXAMPLES.get(path.rsplit("/", 1)[1], {})
    return path.replace("{number}", NOBODYS), {"json": example}


def test_every_route_has_a_row_in_the_role_table() -> None:
    for method, path in ROUTES:
        assert row_of(method, path) in MAY, path


def test_every_step_of_people_has_a_route_and_a_row() -> None:
    steps = {path.rsplit("/", 1)[1] for method, path in ROUTES if method == "POST" and "{number}" in path}
    assert steps == set(PEOPLE_STEPS)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_route_is_open_to_the_roles_of_its_row_and_no_others(site: Site, method: str, path: str) -> None:
    address, body = request_of(path)
    for role in ROLES:
        answer = await site.call(method, address, "zz-water" if role is Role.UNIT else role.value, **body)
        if role in MAY[row_of(method, path)]:
            assert answer.status_code not in (401, 403), (role, answer.text)
            assert "{number}" not in path or answer.json()["code"] == "no_such_case"
        else:
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (403, "not_your_post"), role
            assert problem["detail"] == f"The role {role} may not take the step {row_of(method, path)}."


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_route_opens_without_a_valid_key(site: Site, method: str, path: str) -> None:
    address, body = request_of(path)
    for by in (None, site.keys["admin"][:-1]):
        answer = await site.call(method, address, by, **body)
        assert (answer.status_code, answer.json()["code"]) == (401, "no_key")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


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
