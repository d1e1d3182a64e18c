"""How every process of ours speaks to the Temporal server."""

from collections.abc import Mapping

from temporalio.client import Client
from temporalio.service import RPCError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from temporal.codec import converter
from temporal.keyring import Keyring
from temporal.tls import EngineMisconfigured, EngineUnreachable, diagnose, read_config
from temporal.tracing import interceptors

DEFAULT_ADDRESS = "127.0.0.1:7233"
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.25


async def connect(keyring: Keyring, environment: Mapping[str, str] | None = None, *, lazy: bool = False) -> Client:
    """Connect with the settings that Temporal's own tools use: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS….

    What the client and its workers write is encrypted with `keyring`.
    `lazy` puts the connecting off to the first call, but not the reading of certificates. Raises EngineUnreachable when
    no server answers, EngineMisconfigured when it answers and the settings cannot be right.
    """
    config = read_config(environment)
    config.setdefault("target_host", DEFAULT_ADDRESS)
    try:
        return await Client.connect(**config, data_converter=converter(keyring), interceptors=interceptors(), lazy=lazy)
    except ValueError as error:
        raise EngineMisconfigured(f"TEMPORAL_ADDRESS: {error}") from None
    except RuntimeError as error:
        raise diagnose(error, config["target_host"], config.get("tls")) from None


def trouble(client: Client, error: Exception) -> str:
    """What a log may say of an engine that does not answer: nothing of what was asked."""
    if not isinstance(error, RuntimeError):
        return type(error).__name__
    config = client.service_client.config
    return str(diagnose(error, config.target_host, config.tls))


patiently = retry(
    retry=retry_if_exception_type((EngineUnreachable, RPCError)),
    stop=stop_after_delay(PATIENCE_SECONDS),
    wait=wait_fixed(PAUSE_SECONDS),
    reraise=True,
)
"""Repeats what may be repeated while the server is starting or was just killed."""

connect_patiently = patiently(connect)
"""`connect`, given a minute."""
