"""Filing a request: the parameters of GeoReport v2 become an intake like any other."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from api.access import allowed
from api.fields import IdempotencyKey, Line, OptionalLine, OptionalProse, Text
from api.intake import NewCase, accept
from api.open311.answers import SUFFIX, Suffix, answer, documented
from api.open311.forms import FORM, PARTS, Form
from api.open311.media import keep_files
from api.open311.services import V2, OfThisCity, check_jurisdiction, check_service
from api.problems import Problem
from api.service import Jiesu, Service, now
from domain.open311 import OTHER, OTHER_NAME, BadAnswer, answers
from domain.roles import Actor

ATTRIBUTE = re.compile(r"attribute\[([^\[\]]*)\](?:\[[0-9]*\])?")
"""Of several values some apps write `[]` after the code, some `[0]`, `[1]` and so on."""

ASIAN = re.compile(r"[\u3400-\u9fff·]+")

LONGEST_LINE = 200
"""Characters of a name, an address and a telephone number of a case; a longer one stands below its words."""
LONGEST = 20_000
"""Characters of a description, which may have 4,000, with all that is put below it."""


class FiledCase(NewCase):
    """A request with what GeoReport v2 has further fields for put below its words."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)]


class Filed(BaseModel):
    """The parameters of POST Service Request, besides `api_key` and `attribute[code]`; of others nothing is known."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "api_key": "jk_…",
                "service_code": "water-pressure",
                "lat": 34.79,
                "long": 113.68,
                "description": "家里自来水水压变小",
                "phone": "13800000000",
                "attribute[pressure]": "low",
            }
        }
    )

    jurisdiction_id: OptionalLine = None
    service_code: Line
    lat: float | None = Field(default=None, allow_inf_nan=False)
    long: float | None = Field(default=None, allow_inf_nan=False)
    address_string: OptionalProse = None
    address_id: OptionalProse = None
    email: OptionalProse = None
    device_id: OptionalProse = None
    account_id: OptionalProse = None
    first_name: Text = ""
    last_name: Text = ""
    phone: OptionalProse = None
    description: OptionalProse = None
    media_url: list[Text] = Field(default_factory=list, description="Kept as it is; nothing is fetched.")

    @model_validator(mode="after")
    def _located(self) -> Self:
        if (self.lat is None) != (self.long is None):
            raise ValueError("lat and long belong together")
        if self.lat is None and not self.address_string and not self.address_id:
            raise ValueError("one of lat and long, address_string or address_id is needed")
        return self

    @property
    def name(self) -> str | None:
        """The name as it is written: 王芳, but Fang Wang."""
        if ASIAN.fullmatch(self.last_name + self.first_name):
            return self.last_name + self.first_name
        return f"{self.first_name} {self.last_name}".strip() or None


class Filing(BaseModel):
    """A request that has been taken."""

    service_request_id: str
    service_notice: str
    account_id: None = None


router = APIRouter(tags=["open311"])
SCHEMA = {"schema": Filed.model_json_schema()}
FILES = {"media": {"type": "array", "items": {"type": "string", "format": "binary"}}}
WITH_FILES = {"schema": SCHEMA["schema"] | {"properties": SCHEMA["schema"]["properties"] | FILES}}
CONTENT = {FORM: SCHEMA, PARTS: WITH_FILES}


@router.post(
    f"{V2}/requests{SUFFIX}",
    status_code=201,
    summary="File a request",
    responses=documented(list[Filing], 201),
    dependencies=[OfThisCity],
    openapi_extra={"requestBody": {"required": True, "content": CONTENT}},
)
async def file(
    suffix: Suffix,
    request: Request,
    actor: Annotated[Actor, Depends(allowed("receive"))],
    jiesu: Jiesu,
    key: IdempotencyKey = None,
) -> Response:
    """Number the request and start its case, as any intake does: 201, or 200 for one taken under this key before.

    A place outside the city is taken too, for a person to look at; a file that cannot be kept is told in the notice.
    """
    form: Form = request.state.form
    parameters = form.parameters
    filed = _read(parameters)
    check_jurisdiction(jiesu, filed.jurisdiction_id)
    chosen = _chosen(filed.service_code, jiesu)
    try:
        answered = answers(jiesu.city.open311.of(chosen.code).attribute, _attributes(parameters))
    except BadAnswer as bad:
        raise Problem(400, bad.code, bad.message, bad.message_zh) from None
    lines = [filed.description or chosen.name, *chosen.note, *answered, *_further(filed)]
    case = await accept(jiesu, actor, _case(filed, chosen.item, "\n".join(lines)), key)
    notice = f"您的诉求已受理，编号{case.row.number}，可凭编号查询办理进度。"
    notice += await keep_files(jiesu, case.row.number, actor, form.files)
    content = [Filing(service_request_id=case.row.number, service_notice=notice)]
    return answer("service_requests", content, suffix, 201 if case.new else 200)


def _read(parameters: Sequence[tuple[str, str]]) -> Filed:
    """The parameters, of those given twice the first. Raises RequestValidationError."""
    given: dict[str, Any] = dict(reversed(parameters))
    given["media_url"] = [value for name, value in parameters if name in ("media_url", "media_url[]")]
    try:
        return Filed.model_validate(given)
    except ValidationError as error:
        faults = [{**fault, "loc": fault["loc"] or ("form",)} for fault in error.errors(include_url=False)]
        raise RequestValidationError(faults) from None


def _attributes(parameters: Sequence[tuple[str, str]]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parameters:
        if attribute := ATTRIBUTE.fullmatch(name):
            found.setdefault(attribute[1], []).append(value.strip())
    return found


@dataclass(frozen=True)
class _Chosen:
    """The service that a request is filed under."""

    code: str
    item: str | None
    name: str
    note: tuple[str, ...] = ()


def _chosen(code: str, jiesu: Service) -> _Chosen:
    """A service in force; `other` for one of another day, which apps may still show. Raises Problem 404."""
    items, ever = jiesu.city.catalog_at(now()).items, jiesu.city.catalog.versions
    if item := items.get(code):
        return _Chosen(code, None if code == OTHER else code, item.name)
    if once := next((item for item in ever if item.code == code), None):
        return _Chosen(OTHER, None, once.name, (f"所选服务：{once.name}（{code}）",))
    check_service(code, items)
    return _Chosen(OTHER, None, OTHER_NAME)


def _case(filed: Filed, item: str | None, text: str) -> FiledCase:
    if len(text) > LONGEST:
        raise Problem(
            400, "too_long", f"All parameters together: at most {LONGEST} characters.", f"内容合计最多{LONGEST}字。"
        )
    return FiledCase(
        channel="open311",
        text=text,
        name=_short(filed.name),
        phone=_short(filed.phone),
        address=_short(filed.address_string),
        longitude=filed.long,
        latitude=filed.lat,
        item=item,
    )


def _short(line: str | None) -> str | None:
    return line if line and len(line) <= LONGEST_LINE else None


def _further(filed: Filed) -> list[str]:
    """What an intake has no field for, or none as long, so that it is not lost."""
    long = {"姓名": filed.name, "电话": filed.phone, "地址": filed.address_string}
    further = {"地址编码": filed.address_id, "电子邮箱": filed.email, "账号": filed.account_id, "设备": filed.device_id}
    further = {name: value for name, value in long.items() if not _short(value)} | further
    lines = [f"{name}：{value}" for name, value in further.items() if value]
    return [*(f"附件：{url}" for url in filed.media_url), *lines]
