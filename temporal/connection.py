"""How every process of ours speaks to the Temporal server."""

from collections.abc import Mapping

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig

from temporal.tracing import interceptors

DEFAULT_ADDRESS = "127.0.0.1:7233"


async def connect(environment: Mapping[str, str] | None = None, *, lazy: bool = False) -> Client:
    """Connect with the settings that Temporal's own tools use: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS….

    `lazy` puts the connecting off to the first call. Raises RuntimeError when the server cannot be reached.
    """
    config = ClientConfig.load_client_connect_config(override_env_vars=environment)
    config.setdefault("target_host", DEFAULT_ADDRESS)
    return await Client.connect(
        **config, data_converter=pydantic_data_converter, interceptors=interceptors(), lazy=lazy
    )
