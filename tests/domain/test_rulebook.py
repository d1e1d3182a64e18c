from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigError
from domain.rulebook import Action, ClockName, Rulebook, load_rulebook, pause

CITY = Path(__file__).parents[2] / "cities" / "zhengzhou" / "rulebook.toml"
Edit = Callable[[str, str], Path]


@pytest.fixture(scope="module")
def rulebook() -> Rulebook:
    return load_rulebook(CITY)


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """The city's rulebook with one passage replaced."""

    def edit(old: str, new: str) -> Path:
        text = CITY.read_text(encoding="utf-8")
        assert old in text
        path = tmp_path / "rulebook.toml"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return edit


@pytest.mark.parametrize(
    ("category", "own", "province"),
    [
        ("consultation", "3wd", "2wd"),
        ("help", "5wd", "4wd"),
        ("opinion", "5wd", "4wd"),
        ("suggestion", "5wd", "4wd"),
        ("complaint", "10wd", "9wd"),
        ("report", "10wd", "9wd"),
    ],
)
def test_handling_limits_are_those_of_the_rules(rulebook: Rulebook, category: str, own: str, province: str) -> None:
    assert str(rulebook.handling_limit(category, province=False)) == own
    assert str(rulebook.handling_limit(category, province=True)) == province


def test_other_limits_are_those_of_the_rules(rulebook: Rulebook) -> None:
    clocks = rulebook.clocks
    assert [str(clocks.dispatch.limit), str(clocks.dispatch.outage)] == ["4wd", "2h"]
    assert [str(clocks.sign_in.limit), str(clocks.opinion.limit), str(clocks.progress.limit)] == ["4wd", "2h", "1d"]
    assert str(clocks.callback.limit) == "3wd"


def test_nine_grounds_and_ten_situations(rulebook: Rulebook) -> None:
    assert (len(rulebook.grounds), len(rulebook.situations)) == (9, 10)
    assert all(ground.guidance for ground in rulebook.grounds.values())


@pytest.mark.parametrize("clock", list(ClockName))
def test_every_clock_has_its_ladder_but_a_suspension(rulebook: Rulebook, clock: ClockName) -> None:
    ladder = rulebook.ladder(clock)
    assert bool(ladder) is (clock is not ClockName.SUSPENSION)
    referrals = [rung for rung in ladder if rung.action is Action.DISCIPLINE_REFERRAL]
    assert all(rung.situation in rulebook.situations for rung in referrals)


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10), ("10min", 600), ("10m", 600), ("2h", 7200), ("3d", 259200)])
def test_pauses(text: str, seconds: int) -> None:
    assert pause(text) == timedelta(seconds=seconds)


def test_a_city_without_a_deduction_for_the_province(edit: Edit) -> None:
    rulebook = load_rulebook(edit("deduction = 1 ", "deduction = 0 "))
    assert str(rulebook.handling_limit("consultation", province=True)) == "3wd"


REFERRAL = 'action = "discipline_referral", to = "unit", situation = "handling_overdue"'
SOURCE = 'source = "细则: 咨询类工单办理时限为3个工作日"'
SECRETS = '[grounds.secrets]\nname = "涉及国家秘密、工作秘密、商业秘密"'
CALLBACK = '[clocks.callback]\nlimit = "3wd"'


@pytest.mark.parametrize(
    ("old", "new", "key", "problem"),
    [
        ('city = "郑州市"', 'city = "郑州市"\ncolour = 1', "colour", "unknown key"),
        (CALLBACK, CALLBACK + "\ncolour = 1", "clocks.callback.colour", "unknown key"),
        ('version = "2026.1"', "", "version", "is missing"),
        ('code = "ZZ"', 'code = "zz"', "code", "match pattern"),
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Zhengzhou"', "days.zone", "not an IANA time zone"),
        ('opens = "09:00"', 'opens = "9 o\'clock"', "days.opens", "time"),
        (CALLBACK, CALLBACK.replace("3wd", "4xd"), "clocks.callback.limit", "'4xd' is not a limit"),
        (CALLBACK, "[clocks.callback]\nlimit = 3", "clocks.callback.limit", "3 is not a limit"),
        (CALLBACK, "[clocks.callback]", "clocks.callback.limit", "is missing"),
        ("[clocks.callback]", "[clocks.call_back]", "clocks.callback", "is missing"),
        ("{ at = -1,", "{ at = 1,", "clocks.dispatch", "ladder: rungs stand in the order"),
        ('{ at = 0, action = "red"', '{ at = 0, action = "remind"', "clocks.dispatch", 'ladder: .* action = "red"'),
        ('{ at = 0, action = "red", to = "hotline" },', "", "clocks.dispatch", 'ladder: .* action = "red"'),
        (
            '{ at = 0, action = "red", to = "hotline" },\n    { at = 0, action = "supervision_order"',
            '{ at = 1, action = "red", to = "hotline" },\n    { at = 1, action = "supervision_order"',
            "clocks.dispatch",
            "ladder: .* at = 0",
        ),
        ('action = "yellow"', 'action = "pink"', "clocks.dispatch.ladder.0.action", "'remind'"),
        ('to = "hotline"', 'to = "citizen"', "clocks.dispatch.ladder.0.to", "'unit' or 'hotline'"),
        (REFERRAL, REFERRAL.split(", situation")[0], "clocks.handling.ladder.3", "names its situation"),
        (
            '{ at = -1, action = "yellow", to = "unit" }',
            '{ at = -1, action = "yellow", situation = "dissatisfied" }',
            "clocks.sign_in.ladder.0",
            "names its situation",
        ),
        (REFERRAL, REFERRAL.replace("handling_overdue", "too_slow"), "", "situations: missing too_slow"),
        ("[situations.dissatisfied]", "[situations.unhappy]", "", "situations: missing dissatisfied"),
        ("[grounds.petition]", "[grounds.other]", "", "grounds: missing petition"),
        (SECRETS, "[grounds.secrets]", "grounds.secrets.name", "is missing"),
        ("deduction = 1 ", "deduction = 3 ", "", r"categories\.consultation\.limit: .* province\.deduction \(3\)"),
        ("deduction = 1 ", "deduction = -1 ", "province.deduction", "greater than or equal to 0"),
        ('name = "咨询"\nlimit = "3wd"', 'name = "咨询"\nlimit = "72h"', "", r"categories\.consultation\.limit"),
        (SOURCE, "", "categories.consultation.source", "is missing"),
        (SOURCE, 'source = ""', "categories.consultation.source", "at least 1 char"),
        ('starts = "sign_in"', 'starts = "sunrise"', "clocks.handling.starts", "'sign_in', 'dispatch' or 'receipt'"),
        ('first_retry = "10s"', 'first_retry = "10 seconds"', "effects.first_retry", "10s, 10min, 2h or 3d"),
        ("rounds = 2", 'rounds = "2"', "rework.rounds", "valid integer"),
        ("rounds = 2", "rounds = 2.0", "rework.rounds", "valid integer"),
        ("rounds = 2", "rounds = true", "rework.rounds", "valid integer"),
        ("holds = true ", 'holds = "yes" ', "extension.holds", "valid boolean"),
        ("holds = true ", "holds = 1 ", "extension.holds", "valid boolean"),
        ("{ at = -1,", '{ at = "-1",', "clocks.dispatch.ladder.0.at", "valid integer"),
        ('opens = "09:00"', "opens = 9", "days.opens", "valid time"),
        ('version = "2026.1"', "version = 2026.1", "version", "valid string"),
        ('version = "2026.1"', "version = 2026-01-01", "version", "valid string"),
        ("rounds = 2", "rounds = 99", "rework.rounds", "less than or equal to 10"),
        ('version = "2026.1"', "version = ", "", "not valid TOML.*line"),
    ],
)  # fmt: skip
def test_a_malformed_rulebook_names_file_key_and_problem(
    edit: Edit, old: str, new: str, key: str, problem: str
) -> None:
    path = edit(old, new)
    with pytest.raises(ConfigError, match=problem) as caught:
        load_rulebook(path)
    assert caught.value.key == key
    assert str(caught.value).startswith(f"{path}: {key}: " if key else f"{path}: ")
    assert "\n" not in str(caught.value)


def test_times_may_be_written_as_toml_has_them(edit: Edit, rulebook: Rulebook) -> None:
    assert load_rulebook(edit('opens = "09:00"', "opens = 09:00:00")) == rulebook


def test_a_case_reads_the_rules_it_carries(rulebook: Rulebook) -> None:
    assert Rulebook.model_validate_json(rulebook.travelling.model_dump_json()) == rulebook.travelling


def test_a_wrong_rung_is_counted_from_one(edit: Edit) -> None:
    with pytest.raises(ConfigError) as caught:
        load_rulebook(edit('action = "circular"', 'action = "letter"'))
    assert "clocks.handling.ladder.5.action: rung 6: Input should be 'remind'" in str(caught.value)


def test_a_category_may_be_called_ladder(edit: Edit) -> None:
    with pytest.raises(ConfigError, match=r"categories\.ladder\.limit: is missing$"):
        load_rulebook(edit("[categories.help]", '[categories.ladder]\nname = "梯子"\n\n[categories.help]'))


def test_several_problems_are_told_at_once(edit: Edit) -> None:
    path = edit("attempts = 3\ndissatisfied_at_most = 2 ", 'attempts = "3"\ndissatisfied_at_most = 9 ')
    with pytest.raises(ConfigError) as caught:
        load_rulebook(path)
    assert str(caught.value) == (
        f"{path}: callback.attempts: Input should be a valid integer; "
        "callback.dissatisfied_at_most: Input should be less than or equal to 4"
    )


def test_a_missing_rulebook(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_rulebook(tmp_path / "rulebook.toml")
