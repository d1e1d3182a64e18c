"""Staff identities from OpenID Connect: a token signed by the city's provider, with a post and perhaps a unit in it."""

import asyncio
import logging
import ssl
import time
from collections.abc import Collection
from hashlib import sha256
from typing import Any

import httpx2
import jwt
from jwt.types import Options
from pydantic import BaseModel

from api.problems import Problem, Unavailable
from domain.city import City
from domain.roles import Actor, Role
from settings import Settings

log = logging.getLogger("jiesu.api")

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures made with a private key only: with HS… the public key itself would do for a secret."""

CHECKS: Options = {"require": ["exp", "iat", "iss", "aud", "sub"], "enforce_minimum_key_length": True}
LEEWAY_SECONDS = 5
LONGEST_TOKEN = 8192
"""Characters."""

POSTS = frozenset(Role) - {Role.CITIZEN, Role.SYSTEM}
"""The roles that a token can give: citizens come with the code of a case, and nobody signs in as the engine."""

FRESH_SECONDS = 300
"""After this time the provider is asked whether its keys are still the same."""

PAUSE_SECONDS = 10
"""Between two questions to the provider, however many tokens name keys it does not have."""

TIMEOUT_SECONDS = 5
"""For the provider's whole answer."""


class KeySet(BaseModel):
    """A JSON Web Key Set, as the provider publishes it."""

    keys: list[dict[str, Any]]


class ProviderKeys:
    """The provider's public keys, kept in memory. While the provider is down those it gave last remain good."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: list[dict[str, Any]] = []
        self._fetched_at = self._asked_at = 0.0
        self._fetching: asyncio.Task[None] | None = None
        # The system's CAs, or those of SSL_CERT_FILE; but no proxy that the environment may name.
        trusted = ssl.create_default_context()
        self._http = httpx2.AsyncClient(verify=trusted, trust_env=False, follow_redirects=True)

    async def close(self) -> None:
        """Let go of the provider."""
        if self._fetching is not None:
            self._fetching.cancel()
        await self._http.aclose()

    async def find(self, kid: str | None, algorithm: str) -> jwt.PyJWK:
        """The key of that id for that algorithm; an id may be left out where there is but one key.

        Raises InvalidKeyError when there is none, and Unavailable when the provider never gave any.
        """
        if not any(kid in (None, key.get("kid")) for key in self._keys):
            await asyncio.shield(self._refresh())
        elif time.monotonic() - self._fetched_at > FRESH_SECONDS:
            self._refresh()
        if not self._keys:
            raise Unavailable("The identity provider")
        fitting = [
            key for key in self._keys if kid in (None, key.get("kid")) and key.get("alg", algorithm) == algorithm
        ]
        if len(fitting) != 1:
            raise jwt.InvalidKeyError
        return jwt.PyJWK(fitting[0], algorithm)

    def _refresh(self) -> asyncio.Task[None]:
        """The question under way to the provider, or the last one if it is too early for another."""
        now = time.monotonic()
        if self._fetching is None or (self._fetching.done() and now - self._asked_at >= PAUSE_SECONDS):
            self._asked_at = now
            self._fetching = asyncio.create_task(self._fetch())
        return self._fetching

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                answer = await self._http.get(self._url)
            found = KeySet.model_validate_json(answer.raise_for_status().content)
        except (httpx2.HTTPError, TimeoutError, ValueError) as error:
            log.warning("the identity provider does not give its keys: %s", type(error).__name__)
            return
        self._keys = [key for key in found.keys if key.get("use", "sig") == "sig"]
        self._fetched_at = time.monotonic()


class Tokens:
    """Reads staff's tokens: who holds one, in which post, for which unit or grid."""

    def __init__(self, settings: Settings, city: City) -> None:
        self._settings = settings
        self._known: dict[str, Collection[str]] = {Role.UNIT: city.units, Role.GRID: city.grids}
        self._keys = ProviderKeys(str(settings.oidc_jwks_url))

    async def close(self) -> None:
        """Let go of the provider."""
        await self._keys.close()

    async def actor(self, token: str) -> Actor:
        """Who holds a token.

        Raises Problem 401 for one that is not genuine, not in force or not meant for us, Problem 403 for one without
        a post, and Unavailable while the provider's keys cannot be had.
        """
        try:
            claims = await self._claims(token)
        except jwt.PyJWTError:
            raise _bad_token() from None
        role = _only(claims, self._settings.oidc_role_claim, POSTS)
        if role is None:
            raise _no_post()
        unit = _only(claims, self._settings.oidc_unit_claim, self._known.get(role, ()))
        if role in self._known and unit is None:
            raise _no_post()
        return Actor(role=Role(role), id=_account(claims), unit=unit)

    async def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > LONGEST_TOKEN:
            raise jwt.InvalidTokenError
        header = jwt.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in ALGORITHMS:
            raise jwt.InvalidAlgorithmError
        return jwt.decode(
            token,
            await self._keys.find(header.get("kid"), algorithm),
            algorithms=ALGORITHMS,
            audience=self._settings.oidc_audience,
            issuer=self._settings.oidc_issuer,
            leeway=LEEWAY_SECONDS,
            options=CHECKS,
        )


def open_tokens(settings: Settings, city: City) -> Tokens | None:
    """The reader of staff's tokens; None where OpenID Connect is not set up."""
    return Tokens(settings, city) if settings.oidc_issuer is not None else None


def _only(claims: Any, path: str, known: Collection[str]) -> str | None:
    """The one known value of a claim, which may be a string or a list; None when there is none, or more than one."""
    for name in path.split("."):
        claims = claims.get(name) if isinstance(claims, dict) else None
    values = claims if isinstance(claims, list) else [claims]
    found = {value for value in values if isinstance(value, str) and value in known}
    return found.pop() if len(found) == 1 else None


def _account(claims: dict[str, Any]) -> str:
    """A name for the account that is the same each time; its subject may be a person's name, and is kept nowhere."""
    whose = f"{claims['iss']} {claims['sub']}"
    return f"oidc:{sha256(whose.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _bad_token() -> Problem:
    return Problem(
        401,
        "bad_token",
        "The token is not valid here, or no longer; sign in again and send the new one.",
        "登录凭证无效或已过期，请重新登录。",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def _no_post() -> Problem:
    return Problem(
        403,
        "no_post",
        "The token does not name exactly one post, or for a unit or grid not one of this city; "
        "have the account's role and unit set at the identity provider.",
        "账号未配置唯一的岗位，或单位、网格账号未配置本市的承办单位或网格；请联系管理员在统一身份认证平台中设置。",
    )
