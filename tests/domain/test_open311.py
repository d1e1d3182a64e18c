from pathlib import Path

import pytest

from domain.errors import ConfigError
from domain.open311 import Attribute, BadAnswer, Open311, answers, load_open311, notes, said_in

ITEMS = {"manhole", "trees", "other"}
ATTRIBUTE = """
[[service.manhole.attribute]]
code = "state"
name = "井盖状况"
description = "井盖怎么了？"
"""


def load(tmp_path: Path, text: str) -> Open311:
    path = tmp_path / "open311.toml"
    path.write_text(text, encoding="utf-8")
    return load_open311(path, ITEMS)


def test_a_city_needs_no_file(tmp_path: Path) -> None:
    assert load_open311(tmp_path / "open311.toml", ITEMS) == Open311()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[groups]\n"市政" = ["nothing"]', "groups.市政: 'nothing' is not an item of the catalog"),
        ('[groups]\n"市政" = ["manhole"]\n"绿化" = ["manhole"]', "groups.绿化: 'manhole' is in two groups"),
        ('[service.nothing]\ndescription = "x"', "service.nothing: 'nothing' is not an item of the catalog"),
        (ATTRIBUTE + 'datatype = "colour"', "service.manhole.attribute.0.datatype"),
        (ATTRIBUTE + 'datatype = "singlevaluelist"', "a list has some, and nothing else does"),
        (ATTRIBUTE + 'datatype = "number"\nvalues = { a = "甲" }', "a list has some, and nothing else does"),
        (ATTRIBUTE + 'datatype = "text"\nrequired = true\nvariable = false', "what is only told needs no answer"),
        ((ATTRIBUTE + 'datatype = "text"\n') * 2, "a code is given twice"),
        ("changed = 7", "changed"),
        ('jurisdiction_id = "A b"', "jurisdiction_id"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as told:
        load(tmp_path, text)
    assert said in str(told.value)


def test_answers_read_as_lines_in_the_order_asked() -> None:
    floor = Attribute(code="floor", name="楼层", description="几楼？", datatype="number", required=True)
    rooms = Attribute(
        code="rooms", name="房间", description="哪间？", datatype="multivaluelist", values={"a": "客厅", "b": "卧室"}
    )
    assert answers([floor, rooms], {"rooms": ["b", "a", "b"], "floor": ["-1.5"]}) == ["楼层：-1.5", "房间：卧室、客厅"]
    with pytest.raises(BadAnswer, match=r"attribute\[floor\]: is required"):
        answers([floor, rooms], {"rooms": ["b"]})


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (notes("办理中", None), None),
        (notes("已解决", "阀门：已打开"), "阀门：已打开"),
        ("备注：已派人", "备注：已派人"),
        ("已派人查看", "已派人查看"),
        ("", None),
    ],
)
def test_how_a_request_stands_is_not_the_units_words(told: str, said: str | None) -> None:
    assert said_in(told) == said
