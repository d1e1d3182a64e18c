"""The grid platform: tells the grid worker of a neighbourhood what concerns it."""

from fastapi import FastAPI, Response
from pydantic import BaseModel

from sandbox.faults import Faults, FaultSwitch
from sandbox.inbox import Entry, Inbox
from sandbox.unit import Key, Receipt


class Contact(BaseModel):
    """The member of the grid who is to go."""

    name: str
    role: str
    duty: str | None = None
    phone: str | None = None


class Notice(BaseModel):
    """What the hotline tells a grid."""

    case: str
    grid: str
    kind: str
    text: str
    member: Contact | None = None
    home_visit: bool = False
    vulnerable: list[str] = []


def create_grid(faults: Faults) -> FastAPI:
    """The grid platform of the city."""
    app = FastAPI(title="网格平台")
    app.add_middleware(FaultSwitch, faults=faults, party="grid", repeats=True)
    inbox = Inbox()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "party": "grid"}

    @app.post("/notices", status_code=201)
    async def receive(notice: Notice, key: Key, response: Response) -> Receipt:
        """Take a notice; the same key again answers 200 with the same receipt."""
        entry, new = inbox.receive(key, notice.model_dump(mode="json"))
        if not new:
            response.status_code = 200
        return Receipt(reference=entry["reference"])

    @app.get("/notices")
    async def notices(case: str | None = None, grid: str | None = None) -> list[Entry]:
        """Notices received, oldest first, with their keys and how often each arrived."""
        return inbox.entries(case=case, grid=grid)

    return app
