"""What Open311 servers (GeoReport v2) answer, in XML, which they must speak, or in JSON, which they may."""

import json
from typing import Annotated, Any
from xml.etree import ElementTree

from pydantic import BaseModel, BeforeValidator, StringConstraints, ValidationError

from domain.open311 import said_in

LONGEST = 4000
"""Characters of a description (GeoReport v2, POST service request)."""

TOKEN = "token:"  # noqa: S105 (marks a reference that is not final)
"""Begins a reference that has still to be exchanged for the request's own."""

ROOTS = ("service_requests", "errors")
STATUSES = ("open", "closed")


def _id(value: object) -> object:
    """An id as a text; an empty one is none."""
    return str(value).strip() or None if isinstance(value, int | str) else value


def _whole(value: object) -> object:
    """A text without halves of characters, which JSON may name and nothing else can hold."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


Id = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f]+$", max_length=200)] | None, BeforeValidator(_id)
]
Word = Annotated[str, StringConstraints(strip_whitespace=True, to_lower=True, min_length=1, max_length=60)]


class Filed(BaseModel):
    """What a server answers to a new request, or to a token: an id, or a token to be exchanged later."""

    service_request_id: Id = None
    token: Id = None

    @property
    def reference(self) -> str | None:
        return self.service_request_id or (TOKEN + self.token if self.token else None)


class Request(BaseModel):
    """How a request stands there."""

    service_request_id: Id
    status: Annotated[Word, BeforeValidator(_whole)]
    status_notes: Annotated[str | None, BeforeValidator(_whole)] = None

    @property
    def said(self) -> str | None:
        """The unit's own words, as long as ours may be and free of what no database can hold.

        How it stands is none, unless in a word that GeoReport does not have, such as `in progress`.
        """
        nuance = None if self.status in STATUSES else self.status
        parts = (nuance, said_in((self.status_notes or "").replace("\x00", "").strip()))
        return "：".join(part for part in parts if part).replace("\x00", "")[:LONGEST].strip() or None


def entries(text: str) -> list[Any]:
    """What is in the list that a server answers, whichever format it is in. Raises ValueError for what is no answer."""
    if text.lstrip().startswith("<"):
        return _of_xml(text.lstrip())
    answer = json.loads(text)
    if isinstance(answer, dict):  # some name the list, as XML does
        answer = answer.get("service_requests", answer)
    return answer if isinstance(answer, list) else [answer]


def reference_in(answer: list[Any] | None) -> str | None:
    """The reference of the one request that an answer is about, if there is any."""
    try:
        return Filed.model_validate(answer[0]).reference if answer else None
    except ValidationError:
        return None


def request_in(answer: list[Any], reference: str) -> Request | None:
    """What an answer says of a request, if anything that can be understood."""
    for entry in answer:
        try:
            found = Request.model_validate(entry)
        except ValidationError:
            continue
        if found.service_request_id == reference:
            return found
    return None


def _of_xml(text: str) -> list[Any]:
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 (expat bounds what entities may become)
    except ElementTree.ParseError:
        raise ValueError("no XML") from None
    if _name(root) not in ROOTS:
        raise ValueError("another document")
    return [{_name(field): field.text for field in entry} for entry in root]


def _name(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
