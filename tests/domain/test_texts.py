import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.effects import TEXTS
from domain.errors import ConfigError
from domain.texts import LONGEST_TEXT, MAY_USE, Texts, load_texts

CITY = Path(__file__).parents[2] / "cities" / "zhengzhou" / "texts.toml"
CITY_TEXTS = load_texts(CITY)
KEYS = sorted(Texts.model_fields)
VALUES = {
    "city": "郑州",
    "number": "ZZ20260924000017",
    "code": "20418553",
    "unit": "郑州水务集团",
    "due": "2026-10-09 24:00",
    "guidance": "请向有管辖权的人民法院提出。",
    "reason": "需更换主管道，材料已订购",
    "until": "2026-12-31",
    "to": "110报警服务台",
    "call": "12315",
    "there": "J-17",
}
Edit = Callable[[str, str], Path]


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """The city's texts with one template replaced, or left out."""

    def edit(key: str, line: str) -> Path:
        text = CITY.read_text(encoding="utf-8")
        path = tmp_path / "texts.toml"
        path.write_text(re.sub(rf"^{key} = .*$", line, text, flags=re.MULTILINE), encoding="utf-8")
        return path

    return edit


def test_there_is_a_text_for_every_event_the_citizen_is_told_of() -> None:
    assert set(TEXTS.values()) <= set(KEYS)


@pytest.mark.parametrize("key", KEYS)
def test_the_city_signs_and_names_the_case(key: str) -> None:
    text = CITY_TEXTS.render(key, **VALUES)
    assert text.startswith("【郑州12345】")
    assert VALUES["number"] in text
    assert not re.search(r"[{}\n]", text)


def test_the_first_text_promises_neither_acceptance_nor_dispatch() -> None:
    text = CITY_TEXTS.render("received", **VALUES)
    assert "已登记" in text
    assert "告知" in text
    assert "受理" not in text
    assert "派单" not in text


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("received", {"code"}),
        ("rejected", {"guidance"}),
        ("answered", {"reason"}),
        ("transferred", {"to", "there", "call"}),
        ("extended", {"due", "reason"}),
        ("suspended", {"until"}),
        ("result", {"unit"}),
    ],
)
def test_the_citizen_is_told_what_matters(key: str, names: set[str]) -> None:
    text = CITY_TEXTS.render(key, **VALUES)
    assert all(VALUES[name] in text for name in names)


def test_a_result_invites_the_rating() -> None:
    assert "评价" in CITY_TEXTS.render("result", **VALUES)


def test_a_missing_value_is_named() -> None:
    with pytest.raises(ValueError, match=r"the text 'extended' needs a value for \{reason\}"):
        CITY_TEXTS.render("extended", **{**VALUES, "reason": None})
    with pytest.raises(ValueError, match=r"needs a value for \{number\}"):
        CITY_TEXTS.render("received", city="郑州")


def test_an_unknown_text_is_named() -> None:
    with pytest.raises(ValueError, match="no text 'greeting'; there are received"):
        CITY_TEXTS.render("greeting", **VALUES)


def test_a_long_answer_is_shortened_and_nothing_else() -> None:
    text = CITY_TEXTS.render("answered", **{**VALUES, "reason": "答" * 5000})
    assert len(text) == LONGEST_TEXT
    assert text.endswith("答…")
    assert VALUES["number"] in text
    whole = "答" * (LONGEST_TEXT - len(CITY_TEXTS.render("answered", **{**VALUES, "reason": ""})))
    assert CITY_TEXTS.render("answered", **{**VALUES, "reason": whole}).endswith(whole)


def test_what_no_phone_shows_is_left_out() -> None:
    reason = "已\x1b[31m修\u202e好\u200b。\r\n请\u3000放心\x00"
    assert CITY_TEXTS.fill("answered", {**VALUES, "reason": reason}).values["reason"] == "已[31m修好。 请 放心"


def test_a_value_is_never_read_as_a_template() -> None:
    assert "{unit} {0} }{" in CITY_TEXTS.render("answered", **{**VALUES, "reason": "{unit}\n{0}  }{"})


@given(st.sampled_from(KEYS), st.fixed_dictionaries({name: st.text(max_size=2000) for name in VALUES}))
def test_no_text_is_longer_than_a_gateway_takes(key: str, values: dict[str, str]) -> None:
    assert len(CITY_TEXTS.render(key, **values)) <= LONGEST_TEXT


def test_a_template_full_of_placeholders_still_fits() -> None:
    texts = CITY_TEXTS.model_copy(update={"received": "{to}" * 75})
    assert texts.render("received", to="很" * 90) == ("很" * 5 + "…") * 75


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("", "is missing"),
        ('received = ""', "at least 1 char"),
        ('received = "  "', "at least 1 char"),
        ("received = 3", "valid string"),
        (f'received = "{"长" * 301}"', "at most 300 char"),
        (
            'received = "您好{name}"',
            r"'\{name\}' is not a plain placeholder of this text; it may use \{city\}, \{number\}, \{code\}$",
        ),
        ('received = "您好{guidance}"', r"'\{guidance\}' is not .*; it may use \{city\}, \{number\}, \{code\}$"),
        ('received = "您好{}"', "not a plain placeholder"),
        ('received = "您好{0}"', "not a plain placeholder"),
        ('received = "{number.real}"', "not a plain placeholder"),
        ('received = "{number!r}"', "not a plain placeholder"),
        ('received = "{number:>900}"', "not a plain placeholder"),
        ('received = "编号{number"', "braces do not match"),
        ('received = "编号number}"', "braces do not match"),
    ],
)
def test_a_malformed_template_names_file_key_and_problem(edit: Edit, line: str, problem: str) -> None:
    path = edit("received", line)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_texts(path)
    assert caught.value.key == "received"
    assert str(caught.value).startswith(f"{path}: received: ")


def test_each_text_says_what_it_may_use() -> None:
    assert MAY_USE.keys() == Texts.model_fields.keys()
    assert set().union(*MAY_USE.values()) == VALUES.keys()


@pytest.mark.parametrize(("key", "name"), [(key, name) for key in KEYS for name in VALUES])
def test_a_text_uses_only_what_is_known_when_it_is_sent(edit: Edit, key: str, name: str) -> None:
    path = edit(key, f'{key} = "您好{{{name}}}"')
    if name in MAY_USE[key]:
        assert VALUES[name] in load_texts(path).render(key, **VALUES)
        return
    with pytest.raises(ConfigError, match=rf"{key}: '\{{{name}\}}' .* may use \{{city\}}, \{{number\}}"):
        load_texts(path)


def test_an_unknown_text_in_the_file_is_refused(edit: Edit) -> None:
    with pytest.raises(ConfigError, match="greeting: unknown key"):
        load_texts(edit("received", 'greeting = "你好"\nreceived = "好"'))
