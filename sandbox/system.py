"""The processes that make up the whole system on one machine, and the environment they share."""

import os
import sys
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from sandbox.faults import PARTIES
from sandbox.partner import SYSTEMS, partner_endpoints
from sandbox.secrets import variable_of, webhook_secrets
from sandbox.serve import UNITS, ports
from sandbox.supervisor import Port, Process, answers
from settings import ROOT, Settings, read_variable
from temporal import embedded, web_ui

LOOPBACK = "127.0.0.1"
"""Where the embedded engine listens whatever JIESU_HOST says: it asks nobody who they are."""


def temporal_address(settings: Settings) -> str:
    """Where the embedded engine answers, as host:port."""
    return f"{LOOPBACK}:{settings.temporal_port}"


def keys_file(settings: Settings) -> Path:
    """The file from which the sandbox takes each unit's key for Jiesu's API: JSON, unit code to key."""
    return settings.home.resolve() / "sandbox-keys.json"


def urls(settings: Settings) -> dict[str, str]:
    """Addresses a person opens: the API's documentation, the Temporal Web UI, the control of the sandbox city."""
    return {
        "api": f"http://{settings.host}:{settings.api_port}/docs",
        "temporal": f"http://{settings.host}:{settings.api_port}{web_ui.UI_PATH}",
        "sandbox": f"http://{settings.host}:{settings.sandbox_port}/docs",
    }


def environment(settings: Settings) -> dict[str, str]:
    """What every process of the stack finds in its environment on top of our own."""
    of_sandbox = ports(settings.sandbox_port)
    absolute = {"home": settings.home.resolve(), "cities": settings.cities.resolve()}
    if settings.codec_keys_file is not None:
        absolute["codec_keys_file"] = settings.codec_keys_file.resolve()
    secrets = webhook_secrets(settings, [*UNITS, *SYSTEMS, "sms"])
    values = {**settings.model_dump(exclude_none=True), **absolute}
    return {
        **{f"JIESU_{name.upper()}": _text(value) for name, value in values.items()},
        **{f"JIESU_ENDPOINT_{party.upper()}": f"http://{settings.host}:{of_sandbox[party]}" for party in PARTIES},
        **partner_endpoints(f"http://{settings.host}:{of_sandbox['office']}"),
        **secrets,
        "JIESU_SMS_RECEIPT_TOKEN": os.environ.get("JIESU_SMS_RECEIPT_TOKEN") or secrets[variable_of("sms")],
        "JIESU_API_URL": f"http://{settings.host}:{settings.api_port}",
        "JIESU_WEB_UI": f"http://{LOOPBACK}:{settings.temporal_ui_port}",
        "JIESU_SANDBOX_KEYS": str(keys_file(settings)),
        "TEMPORAL_ADDRESS": temporal_address(settings),
        # Whoever tries it out, with clocks that run ahead or not, waits for no morning unless they say so.
        "JIESU_SMS_UNLIMITED": os.environ.get("JIESU_SMS_UNLIMITED", "true"),
    }


def _text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def processes(settings: Settings, hold: embedded.Hold, *, time_skipping: bool = False) -> list[Process]:
    """The system in the order of its start; the engine inherits `hold`, and so keeps it as long as it lives.

    Raises FileNotFoundError when the `temporal` program is not installed.
    """
    host = settings.host
    # Our own folder comes first on the path of `python -m`, wherever the stack was started from.
    python = partial(Process, environment=environment(settings), folder=ROOT)
    engine = embedded.command(
        settings.home,
        LOOPBACK,
        settings.temporal_port,
        settings.temporal_ui_port,
        time_skipping=time_skipping,
    )
    return [
        Process(
            "temporal",
            "Temporal server",
            engine,
            ready=partial(embedded.ready, temporal_address(settings)),
            ports=[
                Port(settings.temporal_port, "Temporal server", "JIESU_TEMPORAL_PORT"),
                Port(settings.temporal_ui_port, "Temporal Web UI", "JIESU_TEMPORAL_UI_PORT"),
            ],
            descriptors=[hold.fd],
        ),
        python("worker", "worker", [sys.executable, "-m", "worker"], marker=settings.home.resolve() / "worker.ready"),
        python(
            "api",
            "API",
            [sys.executable, "-m", "api", "--host", host, "--port", str(settings.api_port)],
            ready=answers(f"http://{host}:{settings.api_port}/health"),
            ports=[Port(settings.api_port, "API", "JIESU_API_PORT")],
        ),
        python(
            "sandbox",
            "sandbox city",
            [sys.executable, "-m", "sandbox.serve"],
            ready=answers(f"http://{host}:{settings.sandbox_port}/health"),
            ports=[
                Port(number, f"sandbox {name}", "JIESU_SANDBOX_PORT")
                for name, number in ports(settings.sandbox_port).items()
            ],
        ),
    ]


def listener(settings: Settings) -> list[Process]:
    """What listens to the MQTT broker, if one is configured. A broker that is down at the moment holds up nothing."""
    if read_variable("JIESU_MQTT_URL") is None:
        return []
    command = [sys.executable, "-m", "sensors"]
    return [Process("sensors", "listener of sensors", command, environment=environment(settings), folder=ROOT)]
