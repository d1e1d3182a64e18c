"""Personal data stays in the ledger: marked words go in at every door of a running system, and are then looked for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.client import Client

from api.app import create_app
from api.examples import STEP_EXAMPLES
from bench.codec import payloads_of
from sandbox.prepare import prepare, staff_keys_file
from sandbox.stack import Stack
from sandbox.system import keys_file, temporal_address
from settings import Settings
from temporal.connection import connect
from temporal.keyring import open_keyring
from tests.ports import free_run

MARK = "ZQXJ7"
WORDS = f"{MARK}海明威住九号楼"
PHONE = "13987654321"
MARKED = {"name": WORDS, "phone": PHONE, "address": WORDS, "title": WORDS, "text": WORDS, "original_number": MARK}

LIFE = (
    ("dispatch", "dispatcher"), ("supplement", "agent"), ("hurry", "agent"), ("sign-in", "zz-water"),
    ("report-progress", "zz-water"), ("request-extension", "zz-water"), ("decide-extension", "dispatcher"),
    ("request-suspension", "zz-water"), ("decide-suspension", "supervisor"), ("resume", "supervisor"),
    ("submit-result", "zz-water"), ("call-back", "callback"),
)  # fmt: skip
"""A case's life in which every step but one is accepted."""

Document = dict[str, Any]


class System:
    """A running system, and what it answered."""

    def __init__(self, settings: Settings) -> None:
        self._http = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}", timeout=30, trust_env=False)
        files = (staff_keys_file(settings), keys_file(settings))
        self.keys: dict[str, str] = {name: key for path in files for name, key in json.loads(path.read_text()).items()}
        self.refusals: list[httpx2.Response] = []

    async def ask(self, method: str, path: str, by: str | None, **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.keys[by]}"} if by else {}
        answer = await self._http.request(method, path, headers=headers | more.pop("headers", {}), **more)
        assert answer.status_code != 500, (method, path, answer.text)
        if answer.status_code >= 400:
            self.refusals.append(answer)
        return answer

    async def close(self) -> None:
        await self._http.aclose()


@dataclass(frozen=True)
class Left:
    """What a system left behind that was given marked words at every door."""

    settings: Settings
    refusals: list[str]
    engine: bytes
    """All that the engine keeps, decrypted."""


@pytest.fixture
async def left(tmp_path: Path) -> Left:
    first = free_run(12)
    settings = Settings(
        home=tmp_path, sandbox_port=first, api_port=first + 8, temporal_port=first + 9, temporal_ui_port=first + 10,
        rate_limit="100000/second", refused_limit="100000/minute",
    )  # fmt: skip
    async with Stack(settings, prepare=partial(prepare, settings)):
        system = System(settings)
        number = await live_a_life(system)
        await knock_at_every_door(system, number)
        await system.close()
        address = {"TEMPORAL_ADDRESS": temporal_address(settings)}
        engine = await decrypted(await connect(open_keyring(settings), address))
    return Left(settings, [answer.text for answer in system.refusals], engine)


async def live_a_life(system: System) -> str:
    answer = await system.ask("POST", "/cases", "agent", json={**MARKED, "withhold_identity": True})
    assert answer.status_code == 201, answer.text
    number = str(answer.json()["number"])
    for step, by in LIFE:
        body = {**STEP_EXAMPLES[step], **({"text": WORDS} if "text" in STEP_EXAMPLES[step] else {})}
        headers = {"Idempotency-Key": f"{MARK}-{step}"}
        answer = await system.ask("POST", f"/cases/{number}/{step}", by, json=body, headers=headers)
        assert answer.status_code == 200, (step, answer.text)
    return number


async def knock_at_every_door(system: System, number: str) -> None:
    document = create_app().openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for where in (path.replace("{number}", number), path.replace("{number}", MARK)):
                address = where.replace("{sha256}", MARK)
                for by in (None, "agent", "zz-water", "inspector", "admin"):
                    await system.ask(method.upper(), address, by, **marked_request(operation, document))


def marked_request(operation: Document, document: Document) -> dict[str, Any]:
    request: dict[str, Any] = {
        "params": {p["name"]: MARK for p in operation.get("parameters", ()) if p["in"] == "query"},
        "headers": {p["name"]: MARK for p in operation.get("parameters", ()) if p["in"] == "header"},
    }
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        request["json"] = marked(content["application/json"]["schema"], document)
    elif "multipart/form-data" in content:
        request["files"] = {"file": (f"{WORDS}.png", WORDS.encode(), "image/png")}
    return request


def marked(schema: Document, document: Document) -> Any:
    """A value of a schema with the mark wherever a string may stand."""
    if "$ref" in schema:
        return marked(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        if choice.get("type") != "null":
            return marked(choice, document)
    match schema.get("type"):
        case "object":
            return {name: marked(inner, document) for name, inner in schema.get("properties", {}).items()}
        case "array":
            return [marked(schema.get("items", {}), document)]
        case "boolean":
            return True
        case "integer" | "number":
            return 1
    return WORDS


async def decrypted(client: Client) -> bytes:
    """Every payload of every workflow: what goes into it, its steps and activities and what comes out, notes on it."""
    codec = client.data_converter.payload_codec
    assert codec is not None
    found = []
    async for workflow in client.list_workflows():
        handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        for message in (*(await handle.fetch_history()).events, (await handle.describe()).raw_description):
            found += await codec.decode(list(payloads_of(message)))
    return b"\n".join(payload.data for payload in found)


def files_outside_the_ledger(home: Path) -> Iterator[Path]:
    for path in home.rglob("*"):
        if path.is_file() and not path.name.startswith("ledger.db") and "attachments" not in path.parts:
            yield path


@pytest.mark.long
async def test_marked_words_are_in_the_ledger_and_nowhere_else(left: Left) -> None:
    assert MARK.encode() in (left.settings.home / "ledger.db").read_bytes()
    found = list(files_outside_the_ledger(left.settings.home))
    assert any(path.name.startswith("temporal.db") and b"ZZ-20" in path.read_bytes() for path in found)
    assert {"api.log", "worker.log", "temporal.log"} <= {path.name for path in found}
    for path in found:
        for word in (MARK, PHONE):
            assert word.encode() not in path.read_bytes(), (path, word)
    for code in (b"zz-water", b"help"):
        assert code in left.engine, "codes are found there, so that words would be"
    for word in (MARK, PHONE):
        assert word.encode() not in left.engine, word
    assert len(left.refusals) > 100
    for text in left.refusals:
        assert MARK not in text, text
        assert PHONE not in text, text
