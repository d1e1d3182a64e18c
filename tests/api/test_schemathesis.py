"""Whatever is sent to whichever route, no answer is an error of ours, and every answer is as documented."""

import asyncio
import json
import sys
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from api.app import create_app
from ledger.cases import get_case
from tests.api.conftest import Site

NOBODYS = "ZZ-20000101-00001"
STAFF = ("zz-water", "dispatcher", "agent", "supervisor", "callback", "inspector", "admin")
OPERATIONS = [
    (method.upper(), path) for path, operations in create_app().openapi()["paths"].items() for method in operations
]
COMMON = """
continue-on-failure = true
request-timeout = 20
warnings = false
[generation]
deterministic = true
database = "none"
max-examples = {examples}
[phases.stateful]
enabled = false
[phases.examples]
enabled = false
[phases.coverage]
enabled = {thorough}
unexpected-methods = ["delete", "trace"]
[checks.positive_data_acceptance]
enabled = false
"""


@dataclass(frozen=True)
class Called:
    """How an operation is called."""

    method: str
    path: str
    headers: dict[str, str]
    number: str | None = None

    def __str__(self) -> str:
        lines = ["[[operations]]", f'include-name = "{self.method} {self.path}"', "[operations.headers]"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in self.headers.items()]
        lines += ["[operations.parameters]", f'"path.number" = "{self.number}"'] if self.number else []
        return "\n".join(lines)


async def run(site: Site, folder: Path, called: list[Called], examples: int, *, thorough: bool) -> None:
    """Run the tool in a process of its own, for the loop has the worker to serve."""
    config = folder / "schemathesis.toml"
    common = COMMON.format(examples=examples, thorough=str(thorough).lower())
    config.write_text("\n".join([common, *map(str, called)]))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run"]
    process = await asyncio.create_subprocess_exec(
        *command,
        f"http://127.0.0.1:{site.api.port}/openapi.json",
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def caller(site: Site, method: str, path: str) -> str | None:
    """The first of the staff who may ask for it; None when only the citizen does."""
    address = path.replace("{number}", NOBODYS).replace("{sha256}", "0" * 64)
    for by in STAFF:
        if (await site.call(method, address, by)).status_code not in (401, 403):
            return by
    return None


async def called_well(site: Site, method: str, path: str) -> Called:
    """Called by somebody who may, on a case of its own that is being handled."""
    number = await site.dispatched() if "{number}" in path else None
    by = await caller(site, method, path)
    if by is not None:
        return Called(method, path, {"Authorization": f"Bearer {site.keys[by]}"}, number)
    assert number is not None
    async with site.ledger.session() as session:
        row = await get_case(session, number)
    assert row is not None
    return Called(method, path, {"Case-Code": str(row.code)}, number)


async def test_those_who_may_get_documented_answers_to_anything(site: Site, tmp_path: Path) -> None:
    called = [await called_well(site, method, path) for method, path in OPERATIONS]
    await run(site, tmp_path, called, 3, thorough=True)


async def test_all_others_get_documented_answers_to_anything(site: Site, tmp_path: Path) -> None:
    """Somebody who may not, or shows nothing, or shows nonsense; each route is asked by one of them."""
    shown = cycle((site.keys["grid"], site.keys["admin"], "", "jk_00000000_nonsense", "a.b.c"))
    called = [Called(method, path, {"Authorization": f"Bearer {next(shown)}"}) for method, path in OPERATIONS]
    await run(site, tmp_path, called, 2, thorough=False)
