"""Staff sign in with the tokens of an identity provider: genuine ones, and all that look like them."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from domain.roles import Role
from ledger.cases import events_of
from tests.api.conftest import Site
from tests.api.provider import Provider, new_key, signing_in


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider()
    with provider.up():
        yield provider


@pytest.fixture(scope="module")
def desk(site: Site, provider: Provider) -> Iterator[Site]:
    """The installation, with staff of that provider."""
    with signing_in(site, provider.values) as opened:
        yield opened


def segment(content: Any) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def refusal(desk: Site, token: str) -> tuple[int, str]:
    answer = await desk.call("GET", "/cases", token)
    problem = answer.json()
    assert token not in answer.text
    assert problem["detail_zh"]
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    return answer.status_code, problem["code"]


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.CITIZEN, Role.SYSTEM, Role.UNIT, Role.GRID}))
@pytest.mark.parametrize("listed", [False, True])
async def test_a_token_opens_what_its_post_may_do(desk: Site, provider: Provider, role: str, listed: bool) -> None:
    token = provider.token(["offline_access", role, role, None, {}] if listed else role)
    assert (await desk.call("GET", "/cases", token)).status_code == 200
    body = {"lead": "zz-water"}
    answer = await desk.call("POST", "/cases/ZZ-20000101-00001/dispatch", token, json=body)
    assert answer.json()["code"] == ("no_such_case" if role == Role.DISPATCHER else "not_your_post")


async def test_a_unit_sees_its_own_cases_and_no_others(desk: Site, provider: Provider) -> None:
    number = await desk.dispatched("zz-water")
    water, heat = (provider.token("unit", unit=unit) for unit in ("zz-water", "zz-heat"))
    for method, path in (("GET", f"/cases/{number}"), ("GET", f"/cases/{number}/timeline")):
        assert (await desk.call(method, path, water)).status_code == 200
        assert (await desk.call(method, path, heat)).json()["code"] == "no_such_case"
    assert (await desk.step(number, "sign-in", heat)).json()["code"] == "no_such_case"
    assert (await desk.step(number, "sign-in", water)).status_code == 200
    assert number not in {line["number"] for line in (await desk.get("/cases", heat))["items"]}


async def test_grid_staff_see_the_cases_of_their_grid(desk: Site, provider: Provider) -> None:
    number = await desk.receive(address="杜岭街9号")
    grid = (await desk.get(f"/cases/{number}"))["grid"]
    others = next(
        known["code"] for known in await desk.get("/grids") if known["level"] == "micro" and known["code"] != grid
    )
    assert (await desk.call("GET", f"/cases/{number}", provider.token("grid", unit=grid))).status_code == 200
    assert (await desk.call("GET", f"/cases/{number}", provider.token("grid", unit=others))).status_code == 404
    assert await refusal(desk, provider.token("grid", unit="zz-water")) == (403, "no_post")
    assert await refusal(desk, provider.token("grid")) == (403, "no_post")


async def test_an_account_is_on_record_without_its_name(
    desk: Site, provider: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    account = sha256(f"{provider.issuer} zhang.wei".encode()).hexdigest()[:16]
    number = await desk.receive()
    await desk.take(number, "dispatch", provider.token("dispatcher"), lead="zz-water")
    async with desk.ledger.session() as session:
        assert (await events_of(session, number))[-1].actor_id == f"oidc:{account}"
    assert "zhang.wei" not in caplog.text


@pytest.mark.parametrize("roles", [[], None, "", "boss", ["agent", "dispatcher"], "citizen", ["system"], 7, {}, [[]]])
async def test_a_token_must_name_one_post(desk: Site, provider: Provider, roles: Any) -> None:
    assert await refusal(desk, provider.token(roles)) == (403, "no_post")


@pytest.mark.parametrize("realm", [None, "agent", ["agent"], {"roles": {"roles": "agent"}}])
async def test_a_post_elsewhere_in_the_token_is_none(desk: Site, provider: Provider, realm: Any) -> None:
    assert await refusal(desk, provider.token(realm_access=realm, role="agent", roles=["agent"])) == (403, "no_post")


@pytest.mark.parametrize("unit", [None, "", "zz-nobody", ["zz-water", "zz-heat"], {"code": "zz-water"}])
async def test_a_unit_must_be_one_of_the_citys(desk: Site, provider: Provider, unit: Any) -> None:
    assert await refusal(desk, provider.token("unit", unit=unit)) == (403, "no_post")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": time.time() - 10},
        {"exp": "soon"},
        {"nbf": time.time() + 600},
        {"iat": time.time() + 600},
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"iss": "http://127.0.0.1:1"},
        {"sub": 7},
        *({name: None} for name in ("exp", "iat", "iss", "aud", "sub")),
    ],
)
async def test_a_token_that_is_not_for_us_now_opens_nothing(
    desk: Site, provider: Provider, changes: dict[str, Any]
) -> None:
    assert await refusal(desk, provider.token(**changes)) == (401, "bad_token")


async def test_clocks_may_differ_by_seconds(desk: Site, provider: Provider) -> None:
    now = time.time()
    token = provider.token(exp=now - 1, iat=now + 2, nbf=now + 2, aud=["another", "jiesu"])
    assert (await desk.call("GET", "/cases", token)).status_code == 200


async def test_a_signature_of_anybody_else_opens_nothing(desk: Site, provider: Provider) -> None:
    claims, (published, *_) = provider.claims(), provider.published
    secret = provider.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{segment({'alg': 'HS256', 'kid': 'first'})}.{segment(claims)}"
    header, _, signature = provider.sign(claims).split(".")
    forged = [
        provider.sign(claims, key=new_key()),
        provider.sign(claims, kid="unknown", key=new_key()),
        jwt.encode(claims, new_key(), "ES256", headers={"kid": "first", "jwk": published, "jku": "http://127.0.0.1:1"}),
        f"{segment({'alg': 'none', 'kid': 'first'})}.{segment(claims)}.",
        jwt.encode(claims, "x" * 64, "HS256", headers={"kid": "first"}),
        f"{signed}.{segment(hmac.digest(secret, signed.encode(), 'sha256'))}",
        f"{header}.{segment(provider.claims('admin'))}.{signature}",
        f"{header}.{segment(claims)}.",
    ]
    for token in forged:
        assert await refusal(desk, token) == (401, "bad_token")


async def test_one_key_is_not_taken_for_another(desk: Site, provider: Provider) -> None:
    theirs, mine = provider.key, ec.generate_private_key(ec.SECP384R1())
    assert await refusal(desk, provider.sign(provider.claims(), kid="../first", key=theirs)) == (401, "bad_token")
    confused = jwt.encode(provider.claims(), mine, "ES384", headers={"kid": "first"})
    assert await refusal(desk, confused) == (401, "bad_token")


async def test_an_overlong_token_is_not_even_looked_at(desk: Site, provider: Provider) -> None:
    assert (await desk.call("GET", "/cases", provider.token(more="x" * 5000))).status_code == 200
    assert await refusal(desk, provider.token(more="x" * 6200)) == (401, "bad_token")


async def test_where_nobody_signs_in_a_token_is_no_key(site: Site, provider: Provider) -> None:
    assert (await site.call("GET", "/cases", provider.token())).json()["code"] == "no_key"


async def test_keys_and_nonsense_are_what_they_were(desk: Site) -> None:
    assert (await desk.call("GET", "/cases", "agent")).status_code == 200
    for nonsense in (f"{desk.keys['agent']}.x.y", "jk_a.b.c", "x", "a.b", "a.b.c.d"):
        assert (await desk.call("GET", "/cases", nonsense)).json()["code"] == "no_key"


Ask = Callable[[bytes], int]


@pytest.fixture(scope="module")
def ask(desk: Site) -> Iterator[Ask]:
    """The status with which a bearer of whatever is answered."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{desk.api.port}", trust_env=False) as http:
        yield lambda bearer: http.get("/cases", headers={b"Authorization": b"Bearer " + bearer}).status_code


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8) | st.sampled_from(["agent", "unit"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
HEADERS = st.fixed_dictionaries(
    {"alg": st.sampled_from(["ES256", "none", "HS256"]) | JSON, "kid": st.just("first") | JSON},
    optional={"crit": JSON, "b64": st.booleans()},
)
SEGMENTS = (HEADERS | JSON | st.binary(max_size=40) | st.just(b"[" * 3000)).map(segment)
RAW = st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if 0x20 < byte != 0x7F and byte != 0x2E))


@settings(max_examples=100)
@given(parts=st.tuples(*[SEGMENTS.map(str.encode) | RAW] * 3))
def test_no_nonsense_is_ever_more_than_a_bad_token(ask: Ask, parts: tuple[bytes, ...]) -> None:
    assert ask(b".".join(parts)) == 401


NAMES = ("exp", "iat", "nbf", "iss", "aud", "sub", "realm_access", "unit")


@settings(max_examples=60)
@given(changes=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3), roles=JSON)
def test_no_claims_are_ever_an_error_of_ours(ask: Ask, provider: Provider, changes: dict[str, Any], roles: Any) -> None:
    assert ask(provider.sign(provider.claims(roles) | changes).encode()) in (200, 401, 403)


@pytest.mark.parametrize("algorithm", ["RS256", "RS512", "PS256", "PS384"])
async def test_a_key_that_names_no_algorithm_serves_each_of_its_kind(
    desk: Site, provider: Provider, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.oidc.PAUSE_SECONDS", 0)
    key, kid = rsa.generate_private_key(65537, 2048), f"rsa-{algorithm}"
    provider.published.append(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid})
    token = jwt.encode(provider.claims(), key, algorithm, headers={"kid": kid})
    assert (await desk.call("GET", "/cases", token)).status_code == 200
