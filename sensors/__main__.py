"""The listener, run as a service: takes sensors' alerts from the MQTT broker until told to stop."""

import logging
from contextlib import AsyncExitStack, suppress
from functools import partial

from domain.city import load_city
from ledger.database import LEDGER_ERRORS, open_ledger
from ledger.migrate import check_tables
from sensors.intake import Intake
from sensors.listener import Listener
from sensors.settings import read_mqtt_settings
from service import run, told_to_stop
from settings import read_settings
from temporal.connection import connect
from temporal.keyring import open_keyring
from temporal.proactive import follow_up

log = logging.getLogger("jiesu.sensors")


async def serve() -> None:
    """Run until SIGTERM or SIGINT, then finish the batch at hand; the broker keeps what comes meanwhile."""
    settings, broker, stop = read_settings(), read_mqtt_settings(), told_to_stop()
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
    run(serve, log)
