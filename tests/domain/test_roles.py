import pytest

from domain.roles import MAY, Actor, Role, may, permitted
from domain.steps import ENGINE_STEPS, PEOPLE_STEPS

BESIDE_THE_STEPS = {
    "receive", "read", "read-personal", "read-readers", "track", "attach", "export", "record-finding", "read-findings",
    "decode", "read-refused", "read-commitments", "report-alert", "read-alerts", "read-systems",
}  # fmt: skip
OF_THE_UNIT = {
    "sign-in",
    "request-return",
    "give-opinion",
    "report-progress",
    "request-extension",
    "request-suspension",
    "record-visit",
    "submit-result",
}


def test_every_step_has_a_row_and_every_row_a_step() -> None:
    assert set(PEOPLE_STEPS) == set(MAY) - BESIDE_THE_STEPS


def test_a_step_goes_by_its_own_name() -> None:
    steps = PEOPLE_STEPS | ENGINE_STEPS
    assert all(step.step == name for name, step in steps.items())
    assert len(steps) == len(PEOPLE_STEPS) + len(ENGINE_STEPS)


def test_every_row_names_somebody_and_nobody_acts_as_the_engine() -> None:
    assert all(roles for roles in MAY.values())
    assert not any(Role.SYSTEM in roles for roles in MAY.values())


@pytest.mark.parametrize("step", ENGINE_STEPS)
def test_the_engines_steps_are_open_to_nobody(step: str) -> None:
    assert not any(may(role, step) for role in Role)


def test_what_is_not_a_step_is_open_to_nobody() -> None:
    assert not any(may(role, "delete") for role in Role)


@pytest.mark.parametrize("step", sorted(OF_THE_UNIT))
def test_nobody_but_the_unit_does_a_units_work(step: str) -> None:
    assert [role for role in Role if may(role, step)] == [Role.UNIT]


def test_a_unit_does_nothing_else() -> None:
    assert {step for step in MAY if may(Role.UNIT, step)} == OF_THE_UNIT | {
        "read", "read-personal", "read-commitments", "attach", "report-alert", "read-alerts",
    }  # fmt: skip


def test_nobody_decides_on_what_they_asked_themselves() -> None:
    decisions = {"decide-return": "request-return"} | {
        f"decide-{kind}": f"request-{kind}" for kind in ("extension", "suspension")
    }
    for decision, request in decisions.items():
        assert not MAY[decision] & MAY[request]


def test_what_was_done_is_not_judged_by_whoever_did_it() -> None:
    assert not MAY["submit-result"] & (MAY["call-back"] | MAY["rate"] | MAY["close"])
    assert MAY["close"] == MAY["decide-suspension"] == {Role.SUPERVISOR}


def test_inspectors_read_everything_and_write_only_their_findings() -> None:
    readings = {step for step in MAY if step.startswith("read")} | {"export", "decode"}
    assert {step for step in MAY if may(Role.INSPECTOR, step)} == readings | {"record-finding"}


def test_administrators_take_no_step_and_see_no_personal_data() -> None:
    assert {step for step in MAY if may(Role.ADMIN, step)} == {
        "receive", "read", "read-readers", "decode", "read-refused", "read-commitments", "read-alerts", "read-systems",
    }  # fmt: skip


def test_the_grid_platform_as_a_whole_reads_nothing_personal() -> None:
    grid, platform = (Actor(role=Role.GRID, id="g", unit=unit) for unit in ("zz-g-dulingjie", None))
    assert permitted(grid, "read-personal")
    assert not permitted(platform, "read-personal")
    assert permitted(platform, "read")
    assert not permitted(grid, "sign-in")
