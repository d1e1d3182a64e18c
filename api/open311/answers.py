"""How answers are written: as XML, which GeoReport v2 requires, or as JSON; the end of the address says which."""

import re
from typing import Annotated, Any, Literal
from xml.etree import ElementTree

from fastapi import Path
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.convertors import Convertor, register_url_convertor
from starlette.types import Scope

ROOT = "/open311"

JSON_TYPE = "application/json; charset=utf-8"
XML_TYPE = "text/xml; charset=utf-8"

ELEMENTS = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
"""Name of a list in XML → name of what is in it."""

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML can hold, not even escaped."""


class _Suffix(Convertor[str]):
    regex = r"(?:\.json|\.xml)?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Id(_Suffix):
    regex = r"[^/.]+"


# Ids have no dot, so that the address of one can end in a suffix.
register_url_convertor("georeport_suffix", _Suffix())
register_url_convertor("georeport_id", _Id())

SUFFIX = "{suffix:georeport_suffix}"
Suffix = Annotated[Literal["", ".json", ".xml"], Path(description="`.json`, or `.xml`, which may be left out.")]


class Fault(BaseModel):
    """Why there is no answer."""

    code: int = Field(description="The HTTP status.")
    description: str


def documented(answer: Any, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What the documentation says of an operation's answers."""
    xml: dict[str, Any] = {"content": {"text/xml": {}}}
    good = "As GeoReport v2 says."
    faults = "400, 403 (no valid api_key), 404 (unknown id, service or jurisdiction), 405, 408, 413, 429, 500 or 503."
    return {
        status: {"model": answer, "description": good, **xml},
        "default": {"model": list[Fault], "description": faults, **xml},
    }


def answer(root: str, content: Any, suffix: str, status: int = 200) -> Response:
    """An answer in the format asked for; `root` names the outermost element of XML, which JSON does without."""
    plain = _plain(content)
    if suffix == ".json":
        return JSONResponse(plain, status, media_type=JSON_TYPE)
    return Response(to_xml(root, plain), status, media_type=XML_TYPE)


def ours(scope: Scope) -> bool:
    """Whether a request is for this interface, or would be if its address were right."""
    return scope["type"] == "http" and f"{scope['path']}/".startswith(f"{ROOT}/")


def suffix_of(path: str) -> str:
    """The format that an address asks for, whether or not there is anything at it."""
    return ".json" if path.endswith(".json") else ".xml"


def to_xml(root: str, content: Any) -> bytes:
    """Plain data as an XML document: the members of an object become elements, and those of a list its `ELEMENTS`."""
    return bytes(ElementTree.tostring(_element(root, content), encoding="utf-8", xml_declaration=True))


def _plain(content: Any) -> Any:
    if isinstance(content, list):
        return [_plain(one) for one in content]
    return content.model_dump(mode="json") if isinstance(content, BaseModel) else content


def _element(name: str, content: Any) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(content, dict):
        element.extend(_element(key, value) for key, value in content.items())
    elif isinstance(content, list):
        element.extend(_element(ELEMENTS[name], one) for one in content)
    elif isinstance(content, bool):
        element.text = str(content).lower()
    elif content is not None:
        element.text = NOT_XML.sub("", str(content))
    return element
