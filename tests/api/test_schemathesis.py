"""Whatever is sent to whichever route, no answer is an error of ours, and every answer is as documented."""

import asyncio
import json
import sys
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from api.app import create_app
from api.steps import body_of
from domain.roles import MAY, Role
from domain.steps import PEOPLE_STEPS
from tests.api.conftest import Site
from tests.api.test_access import TABLE

STAFF = {"zz-water": Role.UNIT} | {
    role.value: role
    for role in (Role.DISPATCHER, Role.AGENT, Role.SUPERVISOR, Role.CALLBACK, Role.INSPECTOR, Role.ADMIN)
}
OPERATIONS = [
    (method.upper(), path) for path, operations in create_app().openapi()["paths"].items() for method in operations
]
ROWS = {(method, path): row for method, path, row in TABLE}
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

NOT_OF_GEOREPORT = ("negative_data_rejection", "missing_required_header", "content_type_conformance")
"""There an empty parameter is an absent one, and nothing but the api_key says who asks; see tests/api/open311."""


@dataclass(frozen=True)
class Called:
    """How an operation is called; `briefly` is without the values at the bounds of every field."""

    method: str
    path: str
    headers: dict[str, str]
    number: str | None = None
    briefly: bool = False

    def __str__(self) -> str:
        lines = ["[[operations]]", f'include-name = "{self.method} {self.path}"']
        lines += ["phases.coverage.enabled = false"] if self.briefly else []
        lines += [f"checks.{check}.enabled = false" for check in NOT_OF_GEOREPORT if self.path.startswith("/open311")]
        lines += ["[operations.headers]"]
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
    print(said.decode())
    assert process.returncode == 0, said.decode()


def steps_with_every_field() -> set[str]:
    """Steps whose bodies together have every field that any step has; other steps' fields are like theirs."""
    fields = {
        step: {(name, repr(field)) for name, field in body_of(command).model_fields.items()}
        for step, command in PEOPLE_STEPS.items()
    }
    chosen: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for step in sorted(fields, key=lambda step: len(fields[step]), reverse=True):
        if fields[step] - seen:
            chosen.add(step)
            seen |= fields[step]
    return chosen


BRIEFLY = {f"/cases/{{number}}/{step}" for step in PEOPLE_STEPS.keys() - steps_with_every_field()}


def caller(method: str, path: str) -> str | None:
    """The first of the staff who may ask for it; None when only the citizen does."""
    row = ROWS.get((method, path))
    return next((by for by, role in STAFF.items() if row is None or role in MAY[row]), None)


async def called_well(site: Site, method: str, path: str, number: str) -> Called:
    """Called by somebody who may, on a case that is being handled."""
    by = caller(method, path)
    shown = {"Case-Code": await site.code(number)} if by is None else {"Authorization": f"Bearer {site.keys[by]}"}
    return Called(method, path, shown, number if "{number}" in path else None, path in BRIEFLY)


@pytest.mark.long
async def test_those_who_may_get_documented_answers_to_anything(site: Site, tmp_path: Path) -> None:
    """A step changes its case, so each has one of its own; all readings share one."""
    read = await site.dispatched()
    called = [
        await called_well(site, method, path, read if method == "GET" else await site.dispatched())
        for method, path in OPERATIONS
    ]
    await run(site, tmp_path, called, 3, thorough=True)


@pytest.mark.long
async def test_all_others_get_documented_answers_to_anything(site: Site, tmp_path: Path) -> None:
    """Somebody who may not, or shows nothing, or shows nonsense; each route is asked by one of them."""
    shown = cycle((site.keys["grid"], site.keys["admin"], "", "jk_00000000_nonsense", "a.b.c"))
    called = [Called(method, path, {"Authorization": f"Bearer {next(shown)}"}) for method, path in OPERATIONS]
    await run(site, tmp_path, called, 2, thorough=False)
