"""What can be filed: discovery, services and their definitions. Open to all."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from api.open311.answers import JSON_TYPE, ROOT, SUFFIX, XML_TYPE, Suffix, answer, documented
from api.problems import Problem
from api.service import Jiesu, Service, now
from domain.catalog import Item
from domain.open311 import OTHER, OTHER_NAME, Attribute

V2 = f"{ROOT}/v2"
HOST = re.compile(r"([a-z0-9._-]{1,253}|\[[0-9a-f:.]{2,45}\])(:[0-9]{1,5})?", re.IGNORECASE)
SPECIFICATION = "http://wiki.open311.org/GeoReport_v2"


class Endpoint(BaseModel):
    """One of the interfaces there are."""

    specification: str
    url: str
    changeset: str
    type: Literal["production", "test"]
    formats: list[str]


class Discovery(BaseModel):
    """Where the interfaces are, and whom to ask."""

    changeset: str
    contact: str
    key_service: str
    endpoints: list[Endpoint]


class ServiceLine(BaseModel):
    """A matter that can be filed."""

    service_code: str
    service_name: str
    description: str
    metadata: bool
    type: Literal["realtime"] = "realtime"
    keywords: str
    group: str


class ValueLine(BaseModel):
    """What may be chosen."""

    key: str
    name: str


class AttributeLine(BaseModel):
    """What a service asks besides the description."""

    variable: bool
    code: str
    datatype: str
    required: bool
    datatype_description: str
    order: int
    description: str
    values: list[ValueLine]


class Definition(BaseModel):
    """All that a service asks."""

    service_code: str
    attributes: list[AttributeLine]


def check_jurisdiction(jiesu: Service, jurisdiction_id: str | None) -> None:
    """Raise Problem 404 for a jurisdiction other than this city; none at all is this city."""
    if jurisdiction_id and jurisdiction_id != (jiesu.city.open311.jurisdiction_id or jiesu.city.folder):
        raise Problem(404, "unknown_jurisdiction", "There is no such jurisdiction_id here.", "没有这个辖区。")


async def _in_jurisdiction(jiesu: Jiesu, jurisdiction_id: Annotated[str | None, Query()] = None) -> None:
    check_jurisdiction(jiesu, jurisdiction_id)


OfThisCity = Depends(_in_jurisdiction)
"""Lets pass whoever asks for this city, or for none in particular."""

router = APIRouter(tags=["open311"])


@router.get(f"{ROOT}/discovery{SUFFIX}", summary="Open311 discovery", responses=documented(Discovery), name="discovery")
@router.get(f"{V2}/discovery{SUFFIX}", summary="The same", responses=documented(Discovery), name="discovery_v2")
async def discovery(suffix: Suffix, request: Request, jiesu: Jiesu) -> Response:
    """Where the interface is, in which formats, and when its services changed last."""
    told = jiesu.city.open311
    endpoint = Endpoint(
        specification=SPECIFICATION,
        url=f"{_base(request, jiesu)}{V2}",
        changeset=_changeset(jiesu),
        type="test" if jiesu.sms.unlimited else "production",
        formats=[kind.partition(";")[0] for kind in (XML_TYPE, JSON_TYPE)],
    )
    found = Discovery(
        changeset=endpoint.changeset, contact=told.contact, key_service=told.key_service, endpoints=[endpoint]
    )
    return answer("discovery", found, suffix)


@router.get(
    f"{V2}/services{SUFFIX}",
    summary="What can be filed",
    responses=documented(list[ServiceLine]),
    dependencies=[OfThisCity],
)
async def services(suffix: Suffix, jiesu: Jiesu) -> Response:
    """The catalog in force today, and `other` for what is not in it."""
    items = jiesu.city.catalog_at(now()).items
    lines = [_line(code, item, jiesu) for code, item in {**items, OTHER: items.get(OTHER)}.items()]
    return answer("services", lines, suffix)


@router.get(
    f"{V2}/services/{{service_code:georeport_id}}{SUFFIX}",
    summary="What a service asks",
    responses=documented(Definition),
    dependencies=[OfThisCity],
)
async def definition(service_code: str, suffix: Suffix, jiesu: Jiesu) -> Response:
    """The attributes of a service; none for one whose `metadata` is false."""
    check_service(service_code, jiesu.city.catalog_at(now()).items)
    asked = jiesu.city.open311.of(service_code).attribute
    lines = [_attribute(attribute, order) for order, attribute in enumerate(asked, 1)]
    return answer("service_definition", Definition(service_code=service_code, attributes=lines), suffix)


def check_service(code: str, items: Mapping[str, object]) -> None:
    """Raise Problem 404 for what is neither one of the items nor `other`."""
    if code != OTHER and code not in items:
        raise Problem(
            404,
            "unknown_service",
            f"service_code: there is no such service; see {V2}/services, where `{OTHER}` takes whatever has none.",
            f"没有这个服务代码；不知道属于哪一类的诉求请用{OTHER}。",
        )


def _base(request: Request, jiesu: Service) -> str:
    """Where we are reached: as set, else as the request says. Raises Problem 400 if that is no address."""
    if jiesu.settings.public_url:
        return str(jiesu.settings.public_url).rstrip("/")
    host = request.headers.get("Host", "")
    if not HOST.fullmatch(host):
        raise Problem(400, "bad_host", "Host: not a name or address with a port.", "请求的主机名无效。")
    return f"{request.url.scheme}://{host}"


def _changeset(jiesu: Service) -> str:
    today = jiesu.city.local_day(now())
    begun = (day for day in jiesu.city.catalog.changes if day <= today)
    return max([jiesu.city.open311.changed, *begun]).isoformat()


def _line(code: str, item: Item | None, jiesu: Service) -> ServiceLine:
    told = jiesu.city.open311
    name = item.name if item else OTHER_NAME
    category = jiesu.city.rulebook.categories[item.category].name if item else OTHER_NAME
    return ServiceLine(
        service_code=code,
        service_name=name,
        description=told.of(code).description or name,
        metadata=bool(told.of(code).attribute),
        keywords=", ".join(item.keywords) if item else OTHER_NAME,
        group=told.group_of(code) or category,
    )


def _attribute(attribute: Attribute, order: int) -> AttributeLine:
    return AttributeLine(
        **attribute.model_dump(include={"variable", "code", "datatype", "required", "description"}),
        datatype_description=attribute.hint,
        order=order,
        values=[ValueLine(key=key, name=name) for key, name in attribute.values.items()],
    )
