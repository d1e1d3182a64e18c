"""Staff sign in at a real identity provider, Canaille, and come with the tokens it gave them."""

import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from pytest_iam import Server

from tests.api.conftest import Site
from tests.api.provider import signing_in


async def sign_in(http: httpx2.AsyncClient, meta: dict[str, Any], client: dict[str, Any]) -> dict[str, str]:
    """The tokens of whoever is signed in at a provider, by authorization code."""
    (back,) = client["redirect_uris"]
    question = {"response_type": "code", "client_id": client["client_id"], "redirect_uri": back}
    more = {"scope": client["scope"], "nonce": secrets.token_hex(8), "state": secrets.token_hex(8)}
    sent_back = await http.get(meta["authorization_endpoint"], params=question | more)
    (code,) = parse_qs(urlsplit(sent_back.headers["location"]).query)["code"]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
    answer = await http.post(meta["token_endpoint"], data=grant, auth=(client["client_id"], client["client_secret"]))
    tokens: dict[str, str] = answer.json()
    return tokens


async def test_staff_of_a_real_provider_sign_in(site: Site, iam_server: Server) -> None:
    http = site.http
    meta = (await http.get(f"{iam_server.url}.well-known/openid-configuration")).json()
    application = {
        "client_name": "jiesu",
        "client_uri": "http://127.0.0.1",
        "redirect_uris": ["http://127.0.0.1/signed-in"],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": "openid groups",
    }
    client = (await http.post(meta["registration_endpoint"], json=application)).json()
    groups = {name: iam_server.random_group(display_name=name) for name in ("unit", "zz-water", "zz-heat", "canteen")}
    values = {
        "JIESU_OIDC_ISSUER": meta["issuer"],
        "JIESU_OIDC_AUDIENCE": client["client_id"],
        "JIESU_OIDC_JWKS_URL": meta["jwks_uri"],
        "JIESU_OIDC_ROLE_CLAIM": "groups",
        "JIESU_OIDC_UNIT_CLAIM": "groups",
    }
    with signing_in(site, values) as desk:
        number = await desk.dispatched("zz-water")
        for member_of, found in (
            (("unit", "zz-water", "canteen"), 200),
            (("unit", "zz-heat"), 404),
            (("unit",), 403),
            (("canteen",), 403),
        ):
            iam_server.login(iam_server.random_user(groups=[groups[name] for name in member_of]))
            tokens = await sign_in(http, meta, client)
            for kind in ("id_token", "access_token"):
                assert (await desk.call("GET", f"/cases/{number}", tokens[kind])).status_code == found
