"""`jiesu up`: the whole system on this machine, in real time, until Ctrl-C."""

import asyncio
from functools import partial

import typer

from domain.city import load_city
from sandbox import system
from sandbox.prepare import prepare, staff_keys_file
from sandbox.serve import ports
from sandbox.stack import Stack
from settings import Settings

PARTIES = {
    "water": "water company",
    "heat": "heating company",
    "gas": "gas company",
    "power": "power company",
    "grid": "grid workers",
    "sms": "texts to citizens",
    "office": "offices, partners",
}
"""Whom to look up in the sandbox city, and what they are."""


def run(settings: Settings) -> None:
    """Start, print where to look, wait for Ctrl-C, stop.

    Raises StackError when it cannot start or go on, ConfigError for a malformed city.
    """
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    load_city(settings.city_folder)  # a malformed city is told before anything starts
    beside = system.listener(settings)
    async with Stack(settings, prepare=partial(prepare, settings), beside=beside, progress=typer.echo) as stack:
        typer.echo(welcome(settings, stack.urls))
        typer.echo("\nCtrl-C stops it.")
        await stack.wait()
        typer.echo("stopping …")
    typer.echo("Stopped. `make up` goes on where this left off.")


def addresses(settings: Settings) -> list[tuple[str, str]]:
    """Where each party of the sandbox city is."""
    at = ports(settings.sandbox_port)
    return [(told, f"http://{settings.host}:{at[party]}") for party, told in PARTIES.items()]


def welcome(settings: Settings, urls: dict[str, str]) -> str:
    """Where to look, and how to begin."""
    return "\n".join(
        [
            "",
            f"  API, with documentation   {urls['api']}",
            f"  Temporal Web UI           {urls['temporal']}",
            f"  sandbox city              {urls['sandbox']}",
            *(f"    {name:<24}{address}" for name, address in addresses(settings)),
            f"  keys for each role        {staff_keys_file(settings)}",
            f"  logs                      {settings.home.resolve() / 'logs'}",
        ]
    )
