"""An identity provider of the tests' own: it publishes its keys over HTTP, and signs whatever it is asked to."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from tests.api.conftest import Api, Site
from tests.ports import free_ports

AUDIENCE = "jiesu"

PrivateKey = ec.EllipticCurvePrivateKey


def new_key() -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: PrivateKey, kid: str) -> dict[str, Any]:
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "use": "sig", "alg": "ES256"}


class Provider:
    """Keys by id, and how often they were asked for; `answer` replaces what it answers with."""

    def __init__(self) -> None:
        (self.port,) = free_ports(1)
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.key = new_key()
        self.published = [public_jwk(self.key, "first")]
        self.answer: tuple[int, bytes] | None = None
        self.asked = 0

    @contextmanager
    def up(self) -> Iterator[None]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                status, body = provider.answer or (200, json.dumps({"keys": provider.published}).encode())
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        with ThreadingHTTPServer(("127.0.0.1", self.port), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()

    @property
    def values(self) -> dict[str, str]:
        """Settings of an installation whose staff sign in here."""
        return {
            "JIESU_OIDC_ISSUER": self.issuer,
            "JIESU_OIDC_AUDIENCE": AUDIENCE,
            "JIESU_OIDC_JWKS_URL": f"{self.issuer}/keys",
            "JIESU_OIDC_ROLE_CLAIM": "realm_access.roles",
        }

    def claims(self, roles: Any = "agent", **changes: Any) -> dict[str, Any]:
        """Claims of an agent in force, with changes; None leaves a claim out."""
        now = time.time()
        usual = {"iss": self.issuer, "aud": AUDIENCE, "sub": "zhang.wei", "iat": now, "exp": now + 60}
        claims = usual | {"realm_access": {"roles": roles}} | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, roles: Any = "agent", **changes: Any) -> str:
        return self.sign(self.claims(roles, **changes))

    def sign(self, claims: dict[str, Any], kid: str | None = "first", key: PrivateKey | None = None) -> str:
        content, headers = json.dumps(claims).encode(), {} if kid is None else {"kid": kid}
        return jwt.PyJWS().encode(content, key or self.key, "ES256", headers)


@contextmanager
def signing_in(site: Site, values: dict[str, str]) -> Iterator[Site]:
    """The same installation through another API process, whose staff may sign in."""
    api = Api(site.api.values | values)
    api.start()
    try:
        yield Site(api, site.ledger, site.keys, site.http)
    finally:
        api.stop()
