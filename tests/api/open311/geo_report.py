"""A validator of GeoReport v2 by its text: content types, every element with its kind, and no others."""

import asyncio
import re
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx2

from tests.api.conftest import Site

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")

SERVICE = {
    "service_code": "text", "service_name": "text", "description": "text", "metadata": "boolean", "type": "text",
    "keywords": "text", "group": "text",
}  # fmt: skip
ATTRIBUTE = {
    "variable": "boolean", "code": "text", "datatype": "text", "required": "boolean", "datatype_description": "text?",
    "order": "number", "description": "text", "values": {"value": {"key": "text", "name": "text"}},
}  # fmt: skip
REQUEST = {
    "service_request_id": "text", "status": "text", "status_notes": "text?", "service_name": "text",
    "service_code": "text", "description": "text?", "agency_responsible": "text?", "service_notice": "text?",
    "requested_datetime": "time", "updated_datetime": "time", "expected_datetime": "time?", "address": "text?",
    "address_id": "text?", "zipcode": "text?", "lat": "number?", "long": "number?", "media_url": "text?",
}  # fmt: skip
ENDPOINT = {
    "specification": "text", "url": "text", "changeset": "text", "type": "text", "formats": {"format": "text"},
}  # fmt: skip
SHAPES: dict[str, Any] = {
    "discovery": {
        "changeset": "text", "contact": "text", "key_service": "text", "endpoints": {"endpoint": ENDPOINT},
    },
    "services": {"service": SERVICE},
    "service_definition": {"service_code": "text", "attributes": {"attribute": ATTRIBUTE}},
    "service_requests": {"request": REQUEST},
    "filed": {"request": {"service_request_id": "text", "service_notice": "text?", "account_id": "text?"}},
    "token": {"request": {"service_request_id": "text", "token": "text"}},
    "errors": {"error": {"code": "number", "description": "text"}},
}  # fmt: skip
ROOTS = {"filed": "service_requests", "token": "service_requests"}
LISTS = {"endpoints", "formats", "services", "attributes", "values", "service_requests", "errors"}


def content(answer: httpx2.Response, shape: str, suffix: str) -> Any:
    """What an answer says, once it has been found to be as GeoReport v2 wants it, in the format asked for."""
    root, wanted = ROOTS.get(shape, shape), SHAPES[shape]
    if suffix == ".json":
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        return _checked(root, answer.json(), wanted, xml=False)
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    element = ElementTree.fromstring(answer.content)
    assert element.tag == root
    return _checked(root, _from_xml(element, wanted), wanted, xml=True)


def _from_xml(element: ElementTree.Element, wanted: Any) -> Any:
    assert not element.attrib
    if isinstance(wanted, str):
        assert not len(element), element.tag
        return element.text
    if element.tag in LISTS:
        ((one, inner),) = wanted.items()
        assert {child.tag for child in element} <= {one}, element.tag
        return [_from_xml(child, inner) for child in element]
    assert len({child.tag for child in element}) == len(element), element.tag
    return {child.tag: _from_xml(child, wanted[child.tag]) for child in element}


def _checked(name: str, found: Any, wanted: Any, *, xml: bool) -> Any:
    if isinstance(wanted, str):
        return _plain(name, found, wanted, xml=xml)
    if name in LISTS:
        ((one, inner),) = wanted.items()
        assert isinstance(found, list), name
        return [_checked(one, each, inner, xml=xml) for each in found]
    assert found.keys() == wanted.keys(), name
    return {key: _checked(key, value, wanted[key], xml=xml) for key, value in found.items()}


def _plain(name: str, found: Any, wanted: str, *, xml: bool) -> Any:
    if found is None or found == "":
        assert wanted.endswith("?"), name
        return None
    kind = wanted.removesuffix("?")
    if kind == "boolean":
        assert found in (("true", "false") if xml else (True, False)), name
        return found in (True, "true")
    if kind == "number":
        assert isinstance(found, str) if xml else isinstance(found, int | float), name
        return float(found)
    assert isinstance(found, str), name
    assert kind != "time" or TIME.fullmatch(found), (name, found)
    return found


class App:
    """An outside app with a key: what it sends and gets, checked by the validator."""

    def __init__(self, site: Site, key: str | None, suffix: str) -> None:
        self.site, self.key, self.suffix = site, key, suffix

    async def get(self, path: str, shape: str, status: int = 200, /, **query: Any) -> Any:
        """What is at an address under v2."""
        if self.key:
            query["api_key"] = self.key
        answer = await self.site.call("GET", f"/open311/v2/{path}{self.suffix}", params=query)
        assert answer.status_code == status, answer.text
        return content(answer, shape, self.suffix)

    async def refused(self, status: int, path: str, /, **query: Any) -> str:
        """Why there is nothing at an address under v2."""
        return described(await self.get(path, "errors", status, **query), status)

    async def post(self, fields: dict[str, Any], **headers: str) -> httpx2.Response:
        """The answer to a form."""
        fields = {"api_key": self.key} | fields if self.key else fields
        sent = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **headers}
        path = f"/open311/v2/requests{self.suffix}"
        return await self.site.call("POST", path, headers=sent, content=urlencode(fields, doseq=True))

    async def file(self, **changes: Any) -> str:
        """Files a request and returns its id; of `changes`, None leaves something out."""
        answer = await self.post(form(**changes))
        assert answer.status_code == 201, answer.text
        (filed,) = content(answer, "filed", self.suffix)
        return str(filed["service_request_id"])

    async def refused_to_file(self, status: int, **changes: Any) -> str:
        """Why a form is refused."""
        answer = await self.post(form(**changes))
        assert answer.status_code == status, answer.text
        return described(content(answer, "errors", self.suffix), status)


def form(**changes: Any) -> dict[str, Any]:
    """A form that is accepted, but for what is changed."""
    fields = {"service_code": "street-light", "address_string": "丰庆路3号楼", "description": "路灯不亮"}
    return {name: value for name, value in (fields | changes).items() if value is not None}


def described(errors: Any, status: int) -> str:
    """The description of the one error there is."""
    (error,) = errors
    assert error["code"] == status
    return str(error["description"])


async def noted(app: App, number: str, notes: str) -> dict[str, Any]:
    """A request, once it stands as its notes say."""
    async with asyncio.timeout(30):
        while True:
            (request,) = await app.get(f"requests/{number}", "service_requests")
            if request["status_notes"] == notes:
                return dict(request)
            await asyncio.sleep(0.05)
