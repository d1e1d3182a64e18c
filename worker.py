"""The worker, run as a service: carries cases and activities until told to stop, then finishes what it began."""

import gc
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner

from activities.following import Follower
from activities.grids import Grids
from activities.http import http_client
from activities.ledger import Scribe
from activities.open311 import Open311
from activities.oversight import Oversight
from activities.partners import Partners
from activities.plain_errors import PlainErrors
from activities.platforms import SHARED_SLOTS
from activities.sms.choose import open_gateway
from activities.sms.citizens import Sms
from activities.sms.waiting import Waiting
from activities.systems import System, systems_of
from activities.together import Together
from activities.units import Units
from activities.watch import Watch
from domain.city import City, load_city
from domain.effects import Party
from ledger.database import LEDGER_ERRORS, Ledger, open_ledger
from ledger.migrate import check_tables
from ledger.refused import forget_refused
from service import mark, run, told_to_stop
from settings import SmsSettings, read_settings, read_sms_settings
from temporal import schedules, search_attributes
from temporal.connection import connect_patiently
from temporal.following import TemporalEngine
from temporal.keyring import open_keyring
from temporal.proactive import look_after_alerts
from temporal.tracing import start_tracing
from temporal.upkeep import Sweeper
from workflows.case import CaseWorkflow
from workflows.follow import FollowWorkflow
from workflows.sweep import SweepWorkflow

log = logging.getLogger("jiesu.worker")

SLOTS = 10
"""Messages that one outside system is told at the same time, beside the first tries."""

DRAIN = timedelta(seconds=10)
"""How long running activities may take to finish once the worker is told to stop."""


async def create_worker(
    client: Client,
    city: City,
    ledger: Ledger,
    task_queue: str,
    stack: AsyncExitStack,
    sms_settings: SmsSettings,
    runner: WorkflowRunner | None = None,
) -> Worker:
    """A worker for everything on one task queue; `stack` closes what it opens, workers for outside systems among it.

    The SDK's sandbox costs a third of the worker's time. Our workflows only call the pure core, so it guards them where
    that is free: the tests run every workflow in it (`runner`), and replay histories.
    """
    http = await stack.enter_async_context(http_client())
    gateway = open_gateway(sms_settings, city, http)
    watch = Watch(ledger, city)
    systems = systems_of(city, task_queue, watch)
    engine = TemporalEngine(client, ledger, task_queue)
    open311 = Open311(ledger, http, engine.begin)
    units = Units(ledger, city, http, systems, open311)
    follower = Follower(ledger, city, open311, systems, engine)
    grids = Grids(ledger, city, http, watch)
    sms, waiting = Sms(ledger, city, gateway, watch), Waiting(ledger, city, gateway, watch)
    oversight, partners = Oversight(ledger), Partners(ledger, city, http, systems)
    for system in systems.values():
        await stack.enter_async_context(_for_system(client, system, [units.tell, partners.tell, follower.follow]))

    sweeper = Sweeper(client, ledger, city, task_queue, _at_each_sweep(client, city, ledger, waiting, watch))
    together = Together(
        {
            Party.UNIT: units.tell,
            Party.GRID: grids.tell,
            Party.CITIZEN: sms.text,
            Party.SUPERVISION: oversight.supervise,
            Party.DISCIPLINE: oversight.refer,
            Party.PARTNER: partners.tell,
        }
    )
    return Worker(
        client,
        task_queue=task_queue,
        workflows=[CaseWorkflow, FollowWorkflow, SweepWorkflow],
        activities=[
            Scribe(ledger).record, units.tell, grids.tell, sms.text, oversight.supervise, oversight.refer,
            partners.tell, together.try_all, follower.follow, sweeper.keep_sweeping,
        ],
        interceptors=[PlainErrors()],
        workflow_runner=runner or UnsandboxedWorkflowRunner(),
        graceful_shutdown_timeout=DRAIN,
        max_cached_workflows=2000,
        max_concurrent_activities=SHARED_SLOTS,
    )  # fmt: skip


def _at_each_sweep(
    client: Client, city: City, ledger: Ledger, waiting: Waiting, watch: Watch
) -> dict[str, Callable[[], Awaitable[object]]]:
    return {
        "texts that waited": waiting.send_due,
        "watching outside systems": watch.report,
        "looking after alerts": lambda: look_after_alerts(client, ledger, city),
        "forgetting refused messages": lambda: ledger.run(forget_refused, datetime.now(UTC)),
    }


def _for_system(client: Client, system: System, activities: Sequence[Callable[..., Any]]) -> Worker:
    """A worker for what waits for one outside system: few slots, so that nobody else waits for it."""
    return Worker(
        client,
        task_queue=system.queue,
        activities=activities,
        interceptors=[PlainErrors()],
        graceful_shutdown_timeout=DRAIN,
        max_concurrent_activities=SLOTS,
        max_concurrent_activity_task_polls=1,
    )


async def serve() -> None:
    """Run until SIGTERM or SIGINT, then take no more work and let running activities finish."""
    settings, sms_settings, stop = read_settings(), read_sms_settings(), told_to_stop()
    async with AsyncExitStack() as stack:
        city = load_city(settings.city_folder)
        if sms_settings.unlimited:
            city = city.at_any_hour()
        keyring = open_keyring(settings)
        if (tracing := start_tracing("jiesu-worker")) is not None:
            stack.callback(tracing.shutdown)
        client = await connect_patiently(keyring)
        await _ensure(search_attributes.ensure(client), "search attributes")
        await _ensure(schedules.ensure(client, settings.task_queue), "the sweep's schedule")
        ledger = open_ledger(settings.ledger_url)
        stack.push_async_callback(ledger.close)
        with suppress(*LEDGER_ERRORS):  # one that is down at the moment may come up later
            await ledger.run(check_tables)
        worker = await create_worker(client, city, ledger, settings.task_queue, stack, sms_settings)
        # What is loaded by now stays: full collections of garbage, which hold up every workflow, leave it out.
        gc.freeze()
        async with worker:
            marker = settings.home / "worker.ready"
            mark(marker)
            await Sweeper(client, ledger, city, settings.task_queue).sweep_if_possible()
            log.info("carrying cases of %s on task queue %s", city.rulebook.city, settings.task_queue)
            await stop.wait()
            log.info("draining: no more work is taken, running activities have %s to finish", DRAIN)
            marker.unlink(missing_ok=True)
    log.info("stopped")


async def _ensure(setting_up: Awaitable[object], what: str) -> None:
    try:
        await setting_up
    except RPCError as error:
        # A worker need not have the right to; the platform team then adds them once, as the README says.
        log.warning("%s could not be looked after: %s", what, error.status.name)


if __name__ == "__main__":
    run(serve, log)
