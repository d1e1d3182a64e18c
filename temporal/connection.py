"""How every process of ours speaks to the Temporal server."""

from collections.abc import Mapping

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError
from tenacity import retry, retry_if_exception_type, stop_after_delay, wait_fixed

from temporal.tracing import interceptors

DEFAULT_ADDRESS = "127.0.0.1:7233"
PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.25


class EngineUnreachable(RuntimeError):
    """No Temporal server answers where one is expected."""


async def connect(environment: Mapping[str, str] | None = None, *, lazy: bool = False) -> Client:
    """Connect with the settings that Temporal's own tools use: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS….

    `lazy` puts the connecting off to the first call. Raises EngineUnreachable when no server answers.
    """
    config = ClientConfig.load_client_connect_config(override_env_vars=environment)
    config.setdefault("target_host", DEFAULT_ADDRESS)
    try:
        return await Client.connect(
            **config, data_converter=pydantic_data_converter, interceptors=interceptors(), lazy=lazy
        )
    except RuntimeError:
        raise EngineUnreachable(f"The Temporal server at {config['target_host']} does not answer.") from None


patiently = retry(
    retry=retry_if_exception_type((EngineUnreachable, RPCError)),
    stop=stop_after_delay(PATIENCE_SECONDS),
    wait=wait_fixed(PAUSE_SECONDS),
    reraise=True,
)
"""Repeats what may be repeated while the server is starting or was just killed."""

connect_patiently = patiently(connect)
"""`connect`, given a minute."""
