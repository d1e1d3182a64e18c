"""The listener, run as a service: takes sensors' alerts from the MQTT broker until told to stop."""

import asyncio
import logging
import signal
import sys
from contextlib import AsyncExitStack, suppress
from functools import partial

import uvloop

from domain.city import load_city
from domain.errors import ConfigError
from ledger.database import LEDGER_ERRORS, open_ledger
from ledger.migrate import check_tables
from sensors.intake import Intake
from sensors.listener import Listener
from sensors.settings import MqttSettings, read_mqtt_settings
from settings import Settings, read_settings
from temporal.connection import connect
from temporal.keyring import open_keyring
from temporal.proactive import follow_up

log = logging.getLogger("jiesu.sensors")


async def serve(settings: Settings, broker: MqttSettings) -> None:
    """Run until SIGTERM or SIGINT, then finish the batch at hand; the broker keeps what comes meanwhile."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        city = load_city(settings.city_folder)
        # An engine that is down holds up no alert: the worker's sweep starts the cases that follow from it.
        client = await connect(open_keyring(settings), lazy=True)
        ledger = open_ledger(settings.ledger_url)
        stack.push_async_callback(ledger.close)
        with suppress(*LEDGER_ERRORS):  # one that is down at the moment may come up later
            await ledger.run(check_tables)
        intake = Intake(ledger, city, partial(follow_up, client, ledger, city, settings.task_queue))
        await Listener(broker, intake.take, stop, settings.home / "sensors.ready").run()
    log.info("stopped")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        uvloop.run(serve(read_settings(), read_mqtt_settings()))
    except (ConfigError, ValueError, RuntimeError) as error:
        log.error("cannot start: %s", error)
        sys.exit(1)
