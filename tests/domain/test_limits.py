import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from domain.limits import Limit

LIMITS = st.builds(Limit, amount=st.integers(1, 999), unit=st.sampled_from(["wd", "h", "d", "min"]))


class Rule(BaseModel):
    limit: Limit


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [("3wd", 3, "wd"), (" 2H ", 2, "h"), ("1d", 1, "d"), ("30Min", 30, "min"), ("999wd", 999, "wd")],
)
def test_parse(text: str, amount: int, unit: str) -> None:
    limit = Limit.parse(text)
    assert (limit.amount, limit.unit) == (amount, unit)


@pytest.mark.parametrize(
    "text", ["", "3", "wd", "-3wd", "0wd", "0h", "0d", "0min", "1000wd", "1.5h", "3 days", "３wd", "1_0h", "3wd 2h"]
)
def test_parse_refuses_anything_else_and_names_the_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"3wd.*2h.*1d.*30min") as caught:
        Limit.parse(text)
    assert "\n" not in str(caught.value)


@given(LIMITS)
def test_travels_as_its_text(limit: Limit) -> None:
    rule = Rule(limit=limit)
    assert rule.model_dump() == rule.model_dump(mode="json") == {"limit": str(limit)}
    assert Rule.model_validate_json(rule.model_dump_json()) == rule
    assert Rule.model_validate({"limit": str(limit)}) == rule
    assert Limit.parse(str(limit)) == limit


def test_schema_of_what_is_written_is_a_string() -> None:
    assert TypeAdapter(Limit).json_schema(mode="serialization")["type"] == "string"


@pytest.mark.parametrize("value", [3, None, ["3wd"], True, "3", {"amount": 3}, {"amount": -1, "unit": "wd"}])
def test_a_model_refuses_what_is_no_limit(value: object) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate({"limit": value})


@pytest.mark.parametrize("unit", ["wd", "h", "d", "min"])
def test_a_limit_is_never_nothing(unit: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Limit.model_validate({"amount": 0, "unit": unit})


@pytest.mark.parametrize(
    ("text", "chinese"), [("3wd", "3个工作日"), ("2h", "2个自然小时"), ("1d", "1个自然日"), ("30min", "30分钟")]
)
def test_chinese(text: str, chinese: str) -> None:
    assert Limit.parse(text).text == chinese


def test_less() -> None:
    assert Limit.parse("3wd").less(1) == Limit.parse("2wd")
    assert Limit.parse("3wd").less(0) == Limit.parse("3wd")


@pytest.mark.parametrize(
    ("text", "days", "match"), [("1wd", 1, "leaves no"), ("2wd", 3, "leaves no"), ("2h", 1, "only")]
)
def test_less_refuses(text: str, days: int, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Limit.parse(text).less(days)


def test_is_a_value() -> None:
    limit = Limit.parse("3wd")
    assert copy.deepcopy(limit) is limit
    assert {limit: 1}[Limit.parse("3WD")] == 1
    with pytest.raises(ValidationError):
        limit.amount = 4  # type: ignore[misc]
