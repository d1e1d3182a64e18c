"""The answers of Open311 servers, as odd as servers are: what of them is believed, and what is understood."""

import json
from typing import Any

import pytest

from activities.georeport import entries, reference_in, request_in

FILED = "<?xml version='1.0' encoding='utf-8'?><service_requests><request>{}</request></service_requests>"


def standing(answer: Any, reference: str = "7") -> tuple[str, str | None] | None:
    """How a request stands, by an answer in JSON or XML."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    found = request_in(entries(text), reference)
    return (found.status, found.said) if found else None


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ([{"service_request_id": "638344", "service_notice": "谢谢", "account_id": None}], "638344"),
        ([{"service_request_id": 638344}], "638344"),
        ([{"service_request_id": " 638344\n"}], "638344"),
        ([{"service_request_id": "638344", "token": ""}], "638344"),
        ({"service_request_id": "638344"}, "638344"),
        ({"service_requests": [{"service_request_id": "638344"}]}, "638344"),
        ([{"token": "t-1"}], "token:t-1"),
        ([{"service_request_id": None, "token": 12345}], "token:12345"),
        ([{"service_request_id": "", "token": "t-1"}], "token:t-1"),
        (FILED.format("<service_request_id>638344</service_request_id><account_id/>"), "638344"),
        (FILED.format("<service_request_id/><token>t-1</token>"), "token:t-1"),
        (FILED.format("\n <token>\n t-1\n </token>").replace("<request>", "<request id='1'>"), "token:t-1"),
        (
            "<service_requests xmlns='http://wiki.open311.org/GeoReport_v2'><request>"
            "<service_request_id>638344</service_request_id></request></service_requests>",
            "638344",
        ),
    ],
)
def test_a_request_is_known_by_id_or_token(answer: Any, reference: str) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    assert reference_in(entries(text)) == reference


@pytest.mark.parametrize(
    "answer",
    [
        {"service_requests": 5}, {"service_requests": []}, {"errors": [{"code": 400}]},
        {}, [], [{}], [[]], 5, None, [{"service_request_id": ""}], [{"token": "x" * 201}], [{"token": "a b"}],
        [{"code": 400, "description": "service_code was not provided"}],
        "<errors><error><code>400</code><description>no</description></error></errors>",
        "<service_requests/>",
    ],
)  # fmt: skip
def test_an_answer_may_name_no_usable_reference(answer: Any) -> None:
    assert reference_in(entries(answer if isinstance(answer, str) else json.dumps(answer))) is None


@pytest.mark.parametrize(
    "text", ["", "好", "<html><body>维护中</body></html>", "<html>维护中<br></html>", "<service_requests>", "{", "<a/>"]
)
def test_what_is_neither_format_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match=r"Expecting|no XML|another document"):
        entries(text)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ([{"service_request_id": 7, "status": "OPEN"}], ("open", None)),
        ([{"service_request_id": "7", "status": " Closed ", "status_notes": " 已修复 "}], ("closed", "已修复")),
        ({"service_request_id": "7", "status": "open", "status_notes": "办理中：已派人"}, ("open", "已派人")),
        ([{"service_request_id": "7", "status": "open", "status_notes": "已派人\ud83d"}], ("open", "已派人?")),
        ([{"status": "open"}, 5, {"service_request_id": "7", "status": "closed"}], ("closed", None)),
        (
            FILED.format(
                "<service_request_id>7</service_request_id><status>closed</status><status_notes>已修复&amp;</status_notes>"
                "<lat/><extended><a>1</a></extended>"
            ),
            ("closed", "已修复&"),
        ),
        (
            FILED.format("<service_request_id>7</service_request_id><status>open</status><status_notes/>"),
            ("open", None),
        ),
    ],
)
def test_an_answer_says_how_the_request_stands(answer: Any, found: tuple[str, str | None]) -> None:
    assert standing(answer) == found


@pytest.mark.parametrize(
    ("status", "notes", "said"),
    [("In Progress", None, "in progress"), ("resolved", "已修复", "resolved：已修复"), ("处理中", "", "处理中")],
)
def test_a_status_that_georeport_does_not_have_is_no_end_and_not_lost(
    status: str, notes: str | None, said: str
) -> None:
    found = standing([{"service_request_id": "7", "status": status, "status_notes": notes}])
    assert found == (status.lower(), said)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        [{"service_request_id": "8", "status": "closed"}],
        [{"service_request_id": "7"}],
        [{"service_request_id": "7", "status": ""}],
        [{"service_request_id": "7", "status": "open", "status_notes": {"a": 1}}],
        [{"service_request_id": "7\x00", "status": "open"}],
        [{"code": 404, "description": "not found"}],
        "<errors><error><code>404</code></error></errors>",
    ],
)
def test_an_answer_about_something_else_is_no_news(answer: Any) -> None:
    assert standing(answer) is None


def test_entities_do_not_grow_beyond_bounds() -> None:
    levels = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 10))
    with pytest.raises(ValueError, match="no XML"):
        entries(f"<!DOCTYPE a [<!ENTITY e0 'hahaha'>{levels}]><service_requests><r><a>&e9;</a></r></service_requests>")
