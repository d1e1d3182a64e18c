"""Records the histories against which every change of the workflow is replayed.

    .venv/bin/python -m tests.replay.record [KIND …]

Runs cases of several kinds on a real server, without time skipping, and writes each history to `histories/`. To be run
by hand, and only when the workflow's commands change on purpose; a history that running cases may still have stays.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from domain.city import City, load_city
from domain.limits import Limit
from domain.rulebook import Rulebook
from domain.steps.transfer import Terms
from domain.units import Unit
from ledger.database import open_ledger
from ledger.migrate import upgrade
from sandbox.faults import PARTIES, Fault
from sandbox.partner import SYSTEMS, partner_endpoints
from sandbox.secrets import new_secret, variable_of
from sandbox.serve import City as SandboxCity
from settings import ROOT
from temporal import embedded, search_attributes
from tests.ports import free_ports
from tests.workflows.hotline import Hotline, Street, eventually
from workflows.names import SWEEP

HISTORIES = Path(__file__).with_name("histories")
NOBODY = "recorder"
"""In place of the name of whoever recorded, which the engine notes with everything a client or worker does."""

GOOD: dict[str, Any] = {"reached": True, "rating": 5, "solved": True, "contacted": True}
BAD: dict[str, Any] = {"reached": True, "rating": 1, "solved": False, "contacted": True}


async def ordinary(hotline: Hotline, street: Street) -> str:
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    await eventually(lambda: street.received("water", number))
    await hotline.take(number, "sign-in")
    await hotline.take(number, "submit-result")
    await hotline.take(number, "call-back", **GOOD)
    return number


async def returned_and_redispatched(hotline: Hotline, street: Street) -> str:
    number = await hotline.receive("complaint")
    await hotline.take(number, "dispatch", lead="zz-water", assisting=("zz-gas",))
    await hotline.take(number, "request-return")
    await hotline.take(number, "decide-return", accepted=True)
    await hotline.take(number, "dispatch", lead="zz-heat")
    await hotline.take(number, "redispatch", lead="zz-power")
    await eventually(lambda: street.received("power", number))
    await hotline.take(number, "withdraw")
    return number


async def outage(hotline: Hotline, street: Street) -> str:
    """Dispatched late by its timer, and reported on."""
    number = await hotline.receive("complaint", outage=True, ago=timedelta(hours=2) - timedelta(seconds=2))
    await asyncio.sleep(4)
    await hotline.take(number, "dispatch", lead="zz-water")
    await hotline.take(number, "sign-in")
    await hotline.take(number, "give-opinion")
    for _ in range(3):
        await hotline.take(number, "report-progress")
    await hotline.take(number, "submit-result")
    await hotline.take(number, "rate", rating=4, solved=True, contacted=True)
    return number


async def rework(hotline: Hotline, street: Street) -> str:
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    await hotline.take(number, "sign-in")
    for _ in range(3):
        await hotline.take(number, "submit-result")
        await hotline.take(number, "call-back", **BAD)
    return number


async def grid(hotline: Hotline, street: Street) -> str:
    """Passed up, resolved on the spot by the grid above, and then, the citizen not content, by the unit."""
    number = await hotline.receive(grid="zz-g-badonglou")
    await hotline.take(number, "dispatch", lead="zz-water")
    await hotline.take(number, "grid-escalate", "zz-g-badonglou")
    await hotline.take(number, "assign-grid", grid="zz-g-weilailu", lineage={"zz-g-weilailu": "未来路街道"})
    await hotline.take(number, "grid-sign-in", "zz-g-weilailu")
    await hotline.take(number, "grid-resolve", "zz-g-weilailu")
    await hotline.take(number, "call-back", **BAD)
    await hotline.take(number, "sign-in")
    await hotline.take(number, "submit-result")
    await hotline.take(number, "call-back", **GOOD)
    return number


async def extension_pending(hotline: Hotline, street: Street) -> str:
    """Still open: a timer runs for the hotline's decision."""
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    await hotline.take(number, "sign-in")
    await hotline.take(number, "request-extension")
    await eventually(lambda: street.received("water", number))
    return number


async def failed_effect(hotline: Hotline, street: Street) -> str:
    await street.fault("sms", Fault(kind="down"))
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water")
    await hotline.take(number, "close")
    return number


async def unit_down(hotline: Hotline, street: Street) -> str:
    """One of two units down for longer than our patience, and then told all it missed."""
    await street.fault("water", Fault(kind="down"))
    number = await hotline.receive()
    await hotline.take(number, "dispatch", lead="zz-water", assisting=("zz-heat",))
    await hotline.take(number, "hurry")
    await asyncio.sleep(8)
    await street.fault("water", Fault())

    async def told() -> bool:
        return len(await street.received("water", number)) == 2

    await eventually(told)
    await hotline.take(number, "withdraw")
    return number


async def transferred(hotline: Hotline, street: Street) -> str:
    """Refused by one partner, not acknowledged in time by the next, who takes it in the end."""
    number = await hotline.receive()
    await hotline.take(number, "transfer", to="110", terms=hotline.city.partners["110"].terms)
    await hotline.take(number, "refuse-transfer")
    await hotline.take(number, "transfer", to="12315", terms=Terms(name="12315", within=Limit.parse("1min")))
    await hotline.take(number, "hurry")
    await asyncio.sleep(62)
    await hotline.take(number, "acknowledge-transfer")
    return number


async def proactive(hotline: Hotline, street: Street) -> str:
    """Sent out by the engine itself, and over before anybody went."""
    number = await hotline.receive("proactive", ordered=["zz-water"])
    await eventually(lambda: street.received("water", number))
    await hotline.take(number, "note-recovery")
    return number


KINDS: tuple[Callable[[Hotline, Street], Awaitable[str]], ...] = (
    ordinary, returned_and_redispatched, outage, rework, grid, extension_pending, failed_effect, unit_down,
    transferred, proactive,
)  # fmt: skip


def hasty(city: City) -> City:
    """The city, giving up on outside systems after seconds."""
    rules = city.rulebook.model_dump()
    effects = rules["effects"] | {"first_retry": "1s", "longest_pause": "1s", "give_up_after": "3s"}
    return city.model_copy(update={"rulebook": Rulebook.model_validate(rules | {"effects": effects})})


async def record(folder: Path, names: Collection[str]) -> None:
    """Run a case of each kind named, or of all and of the other workflows, and write their histories to `folder`."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            await WorkflowEnvironment.start_local(
                data_converter=pydantic_data_converter,
                identity=NOBODY,
                dev_server_existing_path=embedded.binary(),
                dev_server_log_level="error",
            )
        )
        await search_attributes.ensure(server.client)
        street = await stack.enter_async_context(await _street(stack))
        database = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "ledger.db"
        upgrade(f"sqlite:///{database}")
        ledger = open_ledger(f"sqlite:///{database}")
        stack.push_async_callback(ledger.close)
        city = hasty(load_city(ROOT / "cities" / "zhengzhou").at_any_hour())
        hotline = await Hotline.open(stack, server, city, ledger)
        for kind in [kind for kind in KINDS if not names or kind.__name__ in names]:
            number = await kind(hotline, street)
            if (await hotline.row(number)).status == "closed":
                await hotline.closed(number)
            history = await hotline.history(number)
            _write(folder / f"{kind.__name__}.json", history)
        if not names:
            _write(folder / "others" / "sweep.json", await shift(hotline))
            _write(folder / "others" / "follow.json", await order(stack, hotline, street))


async def shift(hotline: Hotline) -> WorkflowHistory:
    """A shift of the sweep that is under way: one ends after an hour only."""
    handle = await hotline.server.client.start_workflow(SWEEP, id="sweep", task_queue=hotline.task_queue)

    async def under_way() -> bool:
        return bool((await handle.describe()).raw_description.pending_activities)

    await eventually(under_way)
    return await handle.fetch_history()


async def order(stack: AsyncExitStack, hotline: Hotline, street: Street) -> WorkflowHistory:
    """An order followed at an Open311 server from its filing to its end."""
    os.environ["JIESU_ENDPOINT_GAS311"] = f"{street.addresses['gas']}/open311/v2"
    os.environ["JIESU_SECRET_GAS311"] = "key-of-the-hotline"
    gas = Unit(
        code="zz-gas", name="市燃气公司", kind="gas", reach="open311", endpoint="JIESU_ENDPOINT_GAS311",
        secret="JIESU_SECRET_GAS311", services={"other": "1"}, poll=0.2,
    )  # fmt: skip
    there = hotline.city.model_copy(update={"units": hotline.city.units | {gas.code: gas}})
    hotline = await Hotline.open(stack, hotline.server, there, hotline.ledger)
    number = await hotline.receive()
    dispatched = (await hotline.take(number, "dispatch", lead=gas.code)).event
    async with httpx2.AsyncClient(base_url=f"{street.addresses['gas']}/open311", trust_env=False) as clerks:

        async def filed() -> list[str]:
            return [id for id, request in (await clerks.get("/requests")).json().items() if number in str(request)]

        [id] = await eventually(filed)
        (await clerks.put(f"/requests/{id}", json={"status": "closed", "status_notes": None})).raise_for_status()
    following = hotline.server.client.get_workflow_handle(f"{number}/{gas.code}/{dispatched}")
    await following.result()
    return await following.fetch_history()


def _write(path: Path, history: WorkflowHistory) -> None:
    path.write_text(json.dumps(_plain(history.to_json_dict()), ensure_ascii=False, indent=1) + "\n")
    print(f"{path.stem}: {len(history.events)} events")


def _plain(value: Any) -> Any:
    """Without stack traces, which name folders of the machine and play no part in replay."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items() if name != "stackTrace"}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


async def _street(stack: AsyncExitStack) -> Street:
    names = ("control", *PARTIES)
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    await stack.enter_async_context(SandboxCity("127.0.0.1", ports))
    for party in PARTIES:
        os.environ[f"JIESU_ENDPOINT_{party.upper()}"] = f"http://127.0.0.1:{ports[party]}"
        os.environ[variable_of(party)] = new_secret()
    os.environ.update(partner_endpoints(f"http://127.0.0.1:{ports['office']}"))
    os.environ.update({variable_of(system): new_secret() for system in SYSTEMS})
    return Street({name: f"http://127.0.0.1:{port}" for name, port in ports.items()})


if __name__ == "__main__":
    asyncio.run(record(HISTORIES, sys.argv[1:]))
