"""TLS to the Temporal server: settings and certificates checked at once, and why the two sides refuse each other.

Sentences name variables and files; what stands in a file is never repeated.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from temporalio.envconfig import ClientConfigProfile, ClientConfigTLS, ClientConnectConfig, DataSource
from temporalio.service import TLSConfig

CA = "TEMPORAL_TLS_SERVER_CA_CERT_PATH"
CERTIFICATE = "TEMPORAL_TLS_CLIENT_CERT_PATH"
KEY = "TEMPORAL_TLS_CLIENT_KEY_PATH"

_REFUSED_BY_US = {
    "UnknownIssuer": f"shows a certificate of a CA that we do not trust; check {CA}.",
    "NotValidForName": "shows a certificate for another name; check TEMPORAL_ADDRESS, or set TEMPORAL_TLS_SERVER_NAME.",
    "Expired": "shows a certificate that has expired; have it renewed, and check this machine's clock.",
    "NotValidYet": "shows a certificate that is not valid yet; check the clocks of both machines.",
    "InvalidCertificate": "shows a certificate that cannot be accepted; have its issuer look at it.",
    "InvalidMessage": "does not speak TLS; check TEMPORAL_ADDRESS and TEMPORAL_TLS.",
}
"""What the TLS library calls it, the particular before the general, and what it means."""

_CUT_OFF = "call error after connection"
"""So the SDK says that the connection was made and then broken, which is how a server refuses a client."""

_ALERT = re.compile("fatal alert|AlertReceived")
"""Sometimes the SDK still gets to see what the server says as it cuts off."""

Parsed = TypeVar("Parsed")


class EngineUnreachable(RuntimeError):
    """No Temporal server answers where one is expected; it may later."""


class EngineMisconfigured(ValueError):
    """The environment and the Temporal server do not go together; trying again does not help."""


def read_config(environment: Mapping[str, str] | None) -> ClientConnectConfig:
    """The connection that the environment (None: our own) and Temporal's configuration file describe.

    Raises EngineMisconfigured for settings, certificates or keys that cannot be read or used.
    """
    try:
        profile = ClientConfigProfile.load(override_env_vars=environment)
    except RuntimeError as error:
        # Further lines quote the configuration file, which may hold a key.
        raise EngineMisconfigured(f"Temporal's client settings: {str(error).partition(chr(10))[0]}") from None
    if profile.tls is not None and not profile.tls.disabled:
        _check(profile.tls)
    return profile.to_client_connect_config()


def _check(tls: ClientConfigTLS) -> None:
    if tls.server_root_ca_cert is not None:
        _parse(CA, tls.server_root_ca_cert, load_pem_x509_certificates, "certificate")
    if tls.client_cert is None and tls.client_private_key is None:
        return
    if tls.client_cert is None or tls.client_private_key is None:
        raise EngineMisconfigured(f"{CERTIFICATE} and {KEY} belong together, and only one of them is set.")
    certificate = _parse(CERTIFICATE, tls.client_cert, load_pem_x509_certificates, "certificate")[0]
    key = _parse(KEY, tls.client_private_key, _private_key, "private key without a password")
    if key.public_key() != certificate.public_key():
        raise EngineMisconfigured(f"{KEY} is not the key of the certificate in {CERTIFICATE}.")
    if certificate.not_valid_after_utc < datetime.now(UTC):
        raise EngineMisconfigured(
            f"{CERTIFICATE}: the certificate expired on {certificate.not_valid_after_utc.date()}; have it renewed."
        )


def _parse(variable: str, source: DataSource, parse: Callable[[bytes], Parsed], kind: str) -> Parsed:
    name = f"{variable}: {source}" if isinstance(source, Path) else f"{variable.removesuffix('PATH')}DATA"
    try:
        if isinstance(source, Path):
            source = source.read_bytes()
        return parse(source.encode() if isinstance(source, str) else source)
    except OSError as error:
        raise EngineMisconfigured(f"{name} cannot be read: {error.strerror}.") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise EngineMisconfigured(f"{name} holds no {kind} in PEM.") from None


def _private_key(pem: bytes) -> PrivateKeyTypes:
    return load_pem_private_key(pem, password=None)


def diagnose(
    error: RuntimeError, address: str, tls: TLSConfig | bool | None
) -> EngineUnreachable | EngineMisconfigured:
    """Why no connection came about, from what the SDK raised: one sentence that says what to check."""
    told, server = str(error), f"The Temporal server at {address}"
    for name, meaning in _REFUSED_BY_US.items():
        if name in told:
            return EngineMisconfigured(f"{server} {meaning}")
    if _ALERT.search(told):
        return EngineMisconfigured(f"{server} refuses our TLS: {_client_certificate(tls)}")
    if _CUT_OFF not in told:
        return EngineUnreachable(f"{server} does not answer; is it up, and TEMPORAL_ADDRESS right?")
    if not tls:
        return EngineUnreachable(f"{server} cuts off a connection without TLS; if it wants TLS, set TEMPORAL_TLS.")
    return EngineUnreachable(f"{server} cuts off our TLS connection: {_client_certificate(tls)}")


def _client_certificate(tls: TLSConfig | bool | None) -> str:
    if isinstance(tls, TLSConfig) and tls.client_cert:
        return f"it may not trust the issuer of our certificate; check {CERTIFICATE}."
    return f"it may want a client certificate; set {CERTIFICATE} and {KEY}."
