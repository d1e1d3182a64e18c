"""The control of the sandbox city: switches faults on and off."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, HTTPException

from sandbox.faults import PARTIES, Fault, Faults


def create_control(faults: Faults, apply: Callable[[str], Awaitable[None]]) -> FastAPI:
    """The control app; `apply` is awaited with the name of a party whose fault has changed."""
    app = FastAPI(title="沙盒城市控制台")

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok", "party": "control"}

    @app.get("/faults")
    async def current() -> dict[str, Fault]:
        """The present fault of every party."""
        return faults.current

    @app.put("/faults/{party}")
    async def switch(party: str, fault: Fault) -> dict[str, Fault]:
        """Switch a party's fault; returns the present fault of every party."""
        if party not in PARTIES:
            raise HTTPException(404, f"There is no party {party!r}; there are {', '.join(PARTIES)}.")
        faults.current[party] = fault
        await apply(party)
        return faults.current

    return app
