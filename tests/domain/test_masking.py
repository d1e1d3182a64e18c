"""What masking leaves, and who belongs to whom."""

import pytest

from domain.masking import anonymous, mask_name, mask_numbers, mask_phone
from domain.tables import with_those_below
from domain.units import Unit


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("请回电13800001234谢谢", "请回电***谢谢"),
        ("138 0000 1234", "***"),
        ("138-0000-1234", "***"),
        ("138　0000　1234", "***"),
        ("１３８００００１２３４", "***"),
        ("+86 (371) 6543-2100", "+***"),
        ("41010119900101123X的户口", "***的户口"),
        ("6222 0202 0001 2345 678", "***"),
        ("丰庆路3号楼2单元1501室", "丰庆路3号楼2单元1501室"),
        ("停水3天，12345打了5次", "停水3天，12345打了5次"),
        ("电话一三九一一一一二二二二", "电话***"),
        ("二零二六年十一月，一二三楼", "二零二六年十一月，一二三楼"),
        ("", ""),
    ],
)
def test_numbers_by_which_somebody_can_be_found_are_hidden(words: str, left: str) -> None:
    assert mask_numbers(words) == left


@pytest.mark.parametrize(
    ("phone", "left"),
    [
        ("13800001234", "138****1234"),
        ("+86 138-0000-1234", "138****1234"),
        ("0371-65432100", "037****2100"),
        ("65432100", "****"),
        ("不愿透露", "****"),
    ],
)
def test_of_a_phone_beginning_and_end_are_left(phone: str, left: str) -> None:
    assert mask_phone(phone) == left


@pytest.mark.parametrize(("name", "left"), [("王女士", "王**"), ("王", "**"), ("欧阳锋", "欧**")])
def test_of_a_name_the_first_character_is_left(name: str, left: str) -> None:
    assert mask_name(name) == left


def test_anonymous_words_name_nobody() -> None:
    assert anonymous("我是海明威，电话138 0000 1234", "海明威") == "我是***，电话***"
    assert anonymous("王家门口停水", "王") == "王家门口停水"
    assert anonymous("停水", None) == "停水"
    assert anonymous("邮箱zhang@example.com", "海明威") == "邮箱***"


def test_a_surname_takes_the_given_name_with_it() -> None:
    assert anonymous("我是张伟民，张先生，住丰庆路", "张先生") == "我是***，***，住丰庆路"
    assert anonymous("欧阳锋家漏水", "欧阳女士") == "***漏水"


def test_who_belongs_to_a_unit_through_any_number_of_levels() -> None:
    parents = {"a": None, "b": "a", "c": "b", "d": None}
    units = {code: Unit(code=code, name=code, kind="bureau", parent=parent) for code, parent in parents.items()}
    assert with_those_below("a", units) == {"a", "b", "c"}
    assert with_those_below("c", units) == {"c"}
    assert with_those_below("gone", units) == {"gone"}
