"""A gas company with an Open311 server: as its clerks see it, and the hotline that sends it orders."""

from typing import Any

import httpx2
from temporalio.client import WorkflowExecutionStatus

from domain.city import City
from domain.units import Unit
from ledger.models import EventRow
from ledger.notes import get_note
from sandbox.open311 import Behaviour
from tests.workflows.hotline import Hotline, eventually, kinds

GAS = "zz-gas"
POLL = 0.2


class Server:
    """The gas company's Open311 server, as its clerks see it."""

    def __init__(self, address: str, http: httpx2.AsyncClient) -> None:
        self._address, self._http = address, http

    async def filed(self, number: str) -> dict[str, dict[str, Any]]:
        """What was filed about a case, by id."""
        requests = (await self._http.get(f"{self._address}/open311/requests")).json()
        return {id: request for id, request in requests.items() if number in request["form"]["description"]}

    async def arrived(self, number: str, count: int = 1) -> str:
        """Wait for the request; its id, of several the latest."""

        async def all_there() -> list[str]:
            ids = list(await self.filed(number))
            return ids if len(ids) == count else []

        return str((await eventually(all_there))[-1])

    async def request(self, number: str) -> dict[str, Any]:
        """Wait for the request; what was sent."""
        id = await self.arrived(number)
        return (await self.filed(number))[id]

    async def note(self, id: str, status: str = "open", notes: str | None = None) -> None:
        news = {"status": status, "status_notes": notes}
        (await self._http.put(f"{self._address}/open311/requests/{id}", json=news)).raise_for_status()

    async def lose(self, id: str) -> None:
        (await self._http.delete(f"{self._address}/open311/requests/{id}")).raise_for_status()

    async def behave(self, how: Behaviour) -> None:
        (await self._http.put(f"{self._address}/open311/behaviour/{how}")).raise_for_status()


def with_server(city: City, endpoint: str = "JIESU_ENDPOINT_GAS311") -> City:
    """The city, its gas company running an Open311 server."""
    unit = Unit(
        code=GAS, name="市燃气公司", kind="gas", reach="open311", endpoint=endpoint,
        secret="JIESU_SECRET_GAS311", services={"other": "gas-other", "gas-leak": "g-1"}, poll=POLL,
    )  # fmt: skip
    return city.model_copy(update={"units": city.units | {GAS: unit}})


async def dispatched(hotline: Hotline, lead: str = GAS, assisting: tuple[str, ...] = (), **more: Any) -> str:
    number = await hotline.receive(**more)
    await hotline.take(number, "dispatch", lead=lead, assisting=assisting)
    return number


async def until(hotline: Hotline, number: str, kind: str) -> list[EventRow]:
    """Wait until something has happened to a case; all that has by then."""

    async def happened() -> list[EventRow]:
        events = await hotline.events(number)
        return events if kind in kinds(events) else []

    found: list[EventRow] = await eventually(happened)
    return found


async def text_of(hotline: Hotline, event: EventRow) -> str:
    async with hotline.ledger.session() as session:
        note = await get_note(session, event.note or "")
    return note.text if note else ""


def following(hotline: Hotline, number: str, event: int = 2) -> Any:
    return hotline.server.client.get_workflow_handle(f"{number}/{GAS}/{event}")


async def ended(hotline: Hotline, number: str, event: int = 2) -> None:
    """Wait until an order is followed no more."""

    async def over() -> bool:
        known = await following(hotline, number, event).describe()
        return bool(known.status is WorkflowExecutionStatus.COMPLETED)

    await eventually(over)


async def failing(hotline: Hotline, number: str, error: str) -> None:
    """Wait until a look has failed in this way."""

    async def failed() -> bool:
        known = await following(hotline, number).describe()
        looks = known.raw_description.pending_activities
        return any(look.last_failure.application_failure_info.type == error for look in looks)

    await eventually(failed)
