"""Whose messages are taken: a partner's own, signed, and once."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import Site
from tests.api.partner import OFFER, headers_of, received, signed, transferred
from tests.workflows.hotline import eventually


@pytest.mark.parametrize("path", ["/webhooks/partners/110", "/webhooks/partners/110/files", "/webhooks/partners/no"])
async def test_nothing_unsigned_is_taken(site: Site, path: str) -> None:
    answer = await site.call("POST", path, json={"type": "transfer.offered", "data": {"number": "1", **OFFER}})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed")


async def test_a_partner_signs_for_itself_only(site: Site) -> None:
    content = {"type": "transfer.offered", "data": {"number": "J-5", **OFFER}}
    answer = await signed(site, "/webhooks/partners/110", content, "12315")
    assert answer.status_code == 401


async def test_a_message_to_one_partner_is_not_taken_for_another_that_shares_its_secret(site: Site) -> None:
    offer = json.dumps({"type": "transfer.offered", "data": {"number": "J4107", **OFFER}})
    headers = headers_of("hotlines", str(uuid4()), offer)
    first, elsewhere = [
        await site.call("POST", f"/webhooks/partners/{code}", content=offer.encode(), headers=headers)
        for code in ("12319", "12315")
    ]
    assert (first.status_code, elsewhere.status_code, elsewhere.json()["code"]) == (201, 409, "replayed")


@pytest.mark.parametrize("path", ["/webhooks/partners/110", "/webhooks/partners/110/files"])
async def test_what_we_sent_ourselves_is_not_taken_when_it_comes_back(
    site: Site, sandbox_city: dict[str, str], path: str
) -> None:
    number = await transferred(site)
    await site.take(number, "supplement", "citizen", text="对方有刀。")

    async def both() -> list[dict[str, Any]]:
        entries = await received(site, sandbox_city, number)
        return entries if len(entries) == 2 else []

    for sent in await eventually(both):
        answer = await signed(site, path, sent)
        assert (answer.status_code, answer.json()["code"]) == (422, "malformed")
