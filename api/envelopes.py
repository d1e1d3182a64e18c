"""What webhooks say: a type and its data, in the envelope that Standard Webhooks suggest."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, Field, ValidationError

from api.fields import Instant
from api.problems import FIELD, Problem

Model = TypeVar("Model", bound=BaseModel)


class Envelope(BaseModel):
    """A message of any type."""

    type: str
    timestamp: Instant | None = Field(default=None, description="When it happened at the sender's.")
    data: dict[str, Any]


def read(body: bytes, bodies: Mapping[str, type[Model]]) -> tuple[str, Model]:
    """The type of a message and its data as the model of that type. Raises Problem 422."""
    envelope = read_as(Envelope, body)
    if envelope.type not in bodies:
        raise _malformed("type: unknown")
    return envelope.type, read_as(bodies[envelope.type], envelope.data)


def read_as(model: type[Model], given: bytes | Mapping[str, Any]) -> Model:
    """JSON, read already or not, as `model`. Raises Problem 422, which repeats nothing of it."""
    try:
        return model.model_validate_json(given) if isinstance(given, bytes) else model.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(part for part in first["loc"] if isinstance(part, str) and FIELD.fullmatch(part)) or "body"
        raise _malformed(f"{place}: {first['type']}") from None


def _malformed(what: str) -> Problem:
    return Problem(
        422, "malformed", f"The message is malformed: {what}.", f"消息格式有误（{what.partition(':')[0]}），未予接收。"
    )


def described(examples: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """How the documentation shows a body that is a message, by an example of the data of each type."""
    schema = Envelope.model_json_schema()
    schema["properties"]["type"] = {"enum": list(examples)}
    shown = {type: {"value": {"type": type, "data": data}} for type, data in examples.items()}
    return described_as({"schema": schema, "examples": shown})


def described_as(content: dict[str, Any]) -> dict[str, Any]:
    """How the documentation shows a body that a route reads itself."""
    return {"requestBody": {"required": True, "content": {"application/json": content}}}
