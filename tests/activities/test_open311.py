"""The words of Open311 servers: what of their answers is believed, and that nothing is filed twice."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.http import http_client
from activities.open311 import Open311
from domain.effects import Effect, Party
from domain.roles import Role
from domain.units import Unit
from ledger.database import Ledger
from ledger.intake import Intake, open_case
from ledger.messages import save_attempt

UNIT = Unit(
    code="zz-gas", name="燃气", kind="gas", reach="open311", endpoint="ENDPOINT", secret="API_KEY",
    services={"gas-leak": "g-1"},
)  # fmt: skip
TOLD: Any = SimpleNamespace(
    withheld=False, name="海明威", phone="13812345678", address=None, title="漏气", request="厨房有煤气味",
    latitude=None, longitude=None, vulnerable=[], item="gas-leak", marks=[], note=None,
)  # fmt: skip


FILED = "<service_requests><request><service_request_id>638344</service_request_id></request></service_requests>"


class Server:
    """An Open311 server that answers as it is told, and keeps what it was asked."""

    answer: Any = ()
    status = 200

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.sent_as: str | None = None

    async def handle(self, request: web.Request) -> web.Response:
        self.asked.append((request.method, request.rel_url.raw_path_qs, dict(await request.post())))
        self.sent_as = request.headers.get("Content-Type")
        if isinstance(self.answer, str):
            return web.Response(text=self.answer, content_type="text/html", status=self.status)
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
async def there(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    server, app = Server(), web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    monkeypatch.setenv("API_KEY", "secret-key")
    async with TestServer(app) as running:
        monkeypatch.setenv("ENDPOINT", f"{running.make_url('/v2/')}")
        yield server


@pytest.fixture
async def open311(ledger: Ledger) -> AsyncIterator[Open311]:
    async def begin(order: Effect, queue: str) -> None:
        """Nobody follows it here."""

    async with http_client() as http:
        yield Open311(ledger, http, begin)


def order(number: str = "ZZ-20261121-00001") -> Effect:
    return Effect(
        key=f"{number}:2:unit:zz-gas:dispatch", case=number, event=2, party=Party.UNIT, kind="dispatch", unit="zz-gas"
    )


async def send(open311: Open311, effect: Effect, told: Any = TOLD, unit: Unit = UNIT) -> Any:
    return (await ActivityEnvironment().run(open311.send, unit, effect, told))["reference"]


@pytest.mark.parametrize("format", ["json", "xml"])
async def test_a_server_is_spoken_to_in_its_format(open311: Open311, there: Server, format: str) -> None:
    there.answer = FILED if format == "xml" else [{"service_request_id": "638344"}]
    unit = UNIT.model_copy(update={"format": format})
    assert await send(open311, order(), unit=unit) == "638344"
    [(method, path, form)] = there.asked
    assert (method, path, form["service_code"], form["address_string"]) == (
        "POST",
        f"/v2/requests.{format}",
        "g-1",
        "地址不详",
    )


async def test_what_is_sent_says_that_it_is_in_utf_8(open311: Open311, there: Server) -> None:
    assert (await form_of(open311, there))["description"].endswith("厨房有煤气味")
    assert there.sent_as == "application/x-www-form-urlencoded; charset=utf-8"


async def test_an_answer_in_the_other_format_is_understood_too(open311: Open311, there: Server) -> None:
    there.answer = f"\ufeff{FILED}"
    assert await send(open311, order()) == "638344"


@pytest.mark.parametrize("answer", [{}, "<html>", "", [{"code": 400, "description": "no"}]])
async def test_an_order_without_a_usable_reference_is_not_filed_again(
    open311: Open311, there: Server, answer: Any
) -> None:
    there.answer = answer
    with pytest.raises(ApplicationError) as refused:
        await send(open311, order())
    assert (refused.value.type, refused.value.non_retryable) == ("malformed", True)


@pytest.mark.parametrize(("status", "final"), [(400, True), (403, False), (404, False), (429, False), (500, False)])
async def test_errors_are_told_apart_and_not_repeated(
    open311: Open311, there: Server, status: int, final: bool
) -> None:
    there.status, there.answer = status, [{"code": status, "description": "13812345678 海明威 secret-key"}]
    with pytest.raises(ApplicationError) as refused:
        await send(open311, order())
    assert (refused.value.type, refused.value.non_retryable) == (f"http_{status}", final)
    assert not any(word in str(refused.value) for word in ("13812345678", "海明威", "secret-key"))


async def test_what_was_filed_is_not_filed_again(open311: Open311, there: Server, ledger: Ledger) -> None:
    intake = Intake(
        received_at=datetime.now(UTC), channel="phone", title="漏气", text="漏气", category="help",
        opened_role=Role.AGENT, opened_id="agent-1", rulebook_version="1",
    )  # fmt: skip
    row, _ = await ledger.run(open_case, "ZZ", intake, date(2026, 11, 21))
    effect = order(row.number)
    await ledger.run(
        save_attempt, effect.key, case_number=row.number, event=2, party="unit", unit="zz-gas", template="dispatch",
        text="", status="sent", at=datetime.now(UTC), reference="g-17",
    )  # fmt: skip
    assert await send(open311, effect) == "g-17"
    assert there.asked == []


async def test_an_item_that_the_unit_has_no_service_for_is_left_to_people(open311: Open311, there: Server) -> None:
    with pytest.raises(ApplicationError) as refused:
        await send(open311, order(), SimpleNamespace(**vars(TOLD) | {"item": None}))
    assert (refused.value.type, refused.value.non_retryable) == ("no_service", True)


async def test_without_a_key_the_order_waits_for_one(
    open311: Open311, there: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("API_KEY")
    with pytest.raises(ApplicationError) as refused:
        await send(open311, order())
    assert (refused.value.type, refused.value.non_retryable) == ("no_secret", False)


async def test_only_what_is_said_of_the_request_itself_is_read(open311: Open311, there: Server) -> None:
    there.answer = [
        {"service_request_id": 1, "status": "open"},
        {"service_request_id": "../7", "status": "CLOSED", "status_notes": f"已修复\x00{'长' * 5000}", "media_url": ""},
    ]
    request = await open311.read(UNIT, "../7")
    assert (request.status, request.said) == ("closed", f"已修复{'长' * 3997}")
    assert there.asked[0][:2] == ("GET", "/v2/requests/..%2F7.json?api_key=secret-key")


async def form_of(open311: Open311, there: Server, unit: Unit = UNIT, kind: str = "dispatch", **told: Any) -> Any:
    there.answer = [{"service_request_id": "7"}]
    effect = order().model_copy(update={"kind": kind})
    await send(open311, effect, SimpleNamespace(**vars(TOLD) | told), unit)
    return there.asked[-1][2]


async def test_who_needs_a_visit_and_why_it_comes_again_stand_before_a_request_that_is_too_long(
    open311: Open311, there: Server
) -> None:
    told: dict[str, Any] = {"request": "长" * 4000, "vulnerable": ["alone"], "note": "海明威说没有来人"}
    said = (await form_of(open311, there, kind="rework", **told))["description"]
    assert said.splitlines()[1:4] == ["请上门走访：独居", "退回原因：海明威说没有来人", "漏气"]
    assert (len(said), said[-8:]) == (4000, "长长（…有删节）")
    withheld = await form_of(open311, there, kind="rework", withheld=True, **told)
    assert "海明威" not in withheld["description"]


async def test_a_unit_may_say_what_its_server_wants_besides(open311: Open311, there: Server) -> None:
    more = {"attributes": {"gas-leak": {"place": "kitchen"}}, "jurisdiction": "gas.example"}
    unit = UNIT.model_copy(update=more)
    form = await form_of(open311, there, unit)
    assert (form["attribute[place]"], form["jurisdiction_id"]) == ("kitchen", "gas.example")
    there.answer = [{"service_request_id": "../7", "status": "open"}]
    await open311.read(unit, "../7")
    assert there.asked[-1][1] == "/v2/requests/..%2F7.json?api_key=secret-key&jurisdiction_id=gas.example"


@pytest.mark.parametrize(
    ("told", "place"),
    [
        ({}, {"address_string": "地址不详"}),
        ({"longitude": 113.6, "latitude": 34.7}, {"long": "113.6", "lat": "34.7"}),
        ({"longitude": 500.0, "latitude": 34.7, "marks": ["no_location"]}, {"address_string": "地址不详"}),
        (
            {"longitude": 113.6, "latitude": 34.7, "address": "丰庆路"},
            {"long": "113.6", "lat": "34.7", "address_string": "丰庆路"},
        ),
    ],
)
async def test_a_place_is_given_as_far_as_it_is_known(
    open311: Open311, there: Server, told: dict[str, Any], place: dict[str, str]
) -> None:
    form = await form_of(open311, there, **told)
    assert {name: form[name] for name in ("long", "lat", "address_string") if name in form} == place


async def test_a_server_that_no_longer_knows_a_request_works(open311: Open311, there: Server) -> None:
    there.status = 404
    for look in (open311.read, open311.exchange):
        with pytest.raises(ApplicationError) as unknown:
            await look(UNIT, "7")
        assert (unknown.value.type, unknown.value.non_retryable) == ("http_404", True)


@pytest.mark.parametrize(
    ("answer", "of_order"), [([{"service_request_id": "8", "status": "open"}], True), ("<p>", False)]
)
async def test_an_answer_that_is_none_is_trouble_of_the_server_and_another_of_the_order(
    open311: Open311, there: Server, answer: Any, of_order: bool
) -> None:
    there.answer = answer
    with pytest.raises(ApplicationError) as refused:
        await open311.read(UNIT, "7")
    assert (refused.value.type, refused.value.non_retryable) == ("malformed", of_order)
