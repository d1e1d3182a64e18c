"""The documentation is true."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from api.app import create_app
from api.examples import STEP_EXAMPLES
from api.intake import NewCase
from api.steps import body_of
from domain.steps import PEOPLE_STEPS
from tests.api.conftest import Site

DOCUMENT = create_app().openapi()
OPERATIONS = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if path not in ("/health", "/ready") and not path.startswith("/open311/")
]
PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "$ref")
        part = list(part.values())
    if isinstance(part, list):
        for item in part:
            yield from references(item)


async def test_the_document_is_served(site: Site) -> None:
    answer = await site.call("GET", "/openapi.json")
    assert answer.json() == DOCUMENT
    assert DOCUMENT["openapi"].startswith("3.1")


def test_every_reference_leads_somewhere() -> None:
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert set(references(DOCUMENT)) <= known


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_every_operation_documents_its_refusals(method: str, path: str, operation: dict[str, Any]) -> None:
    expected = {"401", "403", "422", "429", "503"} | ({"404"} if "{number}" in path else set())
    expected |= {"409"} if method == "post" and "{number}" in path else set()
    refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
    expected |= {"400", "408", "413"} if "requestBody" in operation else set()
    assert refusals.keys() >= expected
    assert all(answer["content"] == PROBLEM and answer["description"] for answer in refusals.values())
    assert operation["summary"]
    schemes = {"sms": "receiptToken", "webhooks": "webhookSignature"}
    assert operation["security"][0] == {schemes.get(path.split("/")[1], "HTTPBearer"): []}


@pytest.mark.parametrize("step", PEOPLE_STEPS)
def test_every_step_has_a_chinese_example_that_its_body_accepts(step: str) -> None:
    example = STEP_EXAMPLES[step]
    body = body_of(PEOPLE_STEPS[step])
    body.model_validate(example)
    assert DOCUMENT["components"]["schemas"][body.__name__]["example"] == example
    assert "text" not in example or CHINESE.search(example["text"])
    assert "text" in example or not body.model_fields["text"].is_required()


def test_there_is_no_example_without_a_step() -> None:
    assert STEP_EXAMPLES.keys() == PEOPLE_STEPS.keys()


def test_the_example_of_a_request_is_accepted() -> None:
    NewCase.model_validate(DOCUMENT["components"]["schemas"]["NewCase"]["example"])


def test_a_limit_is_documented_as_the_text_it_is() -> None:
    limit = DOCUMENT["components"]["schemas"]["RequestExtensionBody"]["properties"]["limit"]
    assert limit["anyOf"][0]["type"] == "string"
