"""Partners as a city's file names them: what is said of each, and what is wrong with a file."""

from pathlib import Path
from typing import get_args

import pytest

from api.intake import Channel
from domain.errors import ConfigError
from domain.partners import load_partners

ZHENGZHOU = Path(__file__).parents[2] / "cities" / "zhengzhou" / "partners.toml"
USUAL = {
    "code": '"110"', "name": '"110报警服务台"', "kind": '"emergency"', "takes": "true", "reach": '"webhook"',
    "endpoint": '"JIESU_ENDPOINT_110"', "secret": '"JIESU_SECRET_110"', "phone": '"110"', "within": '"10min"',
    "source": '"ours"',
}  # fmt: skip


def write(folder: Path, **changes: str | None) -> Path:
    path = folder / "partners.toml"
    lines = [f"{key} = {value}" for key, value in {**USUAL, **changes}.items() if value is not None]
    path.write_text("\n".join(["[[partner]]", *lines]) + "\n", encoding="utf-8")
    return path


def test_the_city_has_the_hotlines_of_the_source_documents() -> None:
    partners = load_partners(ZHENGZHOU)
    taking = {code for code, partner in partners.items() if partner.takes}
    linked = {"12315", "12319", "12320", "12328", "12329", "12333", "12348", "12393", "12366", "12367"}
    assert taking == {"110", "119", "120"} | linked
    assert {code for code, partner in partners.items() if partner.kind == "emergency"} == {"110", "119", "120"}
    assert {partner.sends for partner in partners.values() if partner.sends} <= set(get_args(Channel))
    assert partners.keys() - taking == {"mayor-mailbox", "message-board", "snapshot"}


def test_a_city_may_have_none(tmp_path: Path) -> None:
    assert load_partners(tmp_path / "partners.toml") == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"secret": None}, "secret: a partner reached by webhooks names one"),
        ({"reach": '"people"', "endpoint": None}, "secret: a partner reached by webhooks names one"),
        ({"endpoint": None}, "endpoint: a partner that takes transfers by webhook names one"),
        ({"phone": None}, "phone: a partner that takes transfers has one"),
        ({"takes": "false", "endpoint": None, "phone": None}, "within: only a partner that takes"),
        ({"sends": '"pigeon"'}, "there is no such channel"),
        ({"within": '"soon"'}, "is not a limit"),
        ({"source": None}, "is missing"),
        ({"colour": '"red"'}, "unknown key"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, str | None], said: str) -> None:
    path = write(tmp_path, **changes)
    with pytest.raises(ConfigError) as error:
        load_partners(path)
    assert str(error.value).startswith(f"{path}: partner.0")
    assert said in str(error.value)


def test_a_code_is_given_once(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_text(path.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(ConfigError, match="given twice"):
        load_partners(path)
