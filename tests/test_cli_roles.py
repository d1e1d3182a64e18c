"""`jiesu roles`: the one table, as people read it."""

from typer.testing import CliRunner

from cli import app
from domain.roles import MAY, Role


def test_the_table_has_a_row_for_every_step_and_a_column_for_every_post() -> None:
    result = CliRunner().invoke(app, ["roles"])
    assert result.exit_code == 0
    head, *rows = result.stdout.splitlines()
    posts = head.split()
    assert posts == [role for role in Role if role is not Role.SYSTEM]
    printed = {row.split()[0]: dict(zip(posts, row.split()[1:], strict=True)) for row in rows}
    assert printed.keys() == MAY.keys()
    for step, marks in printed.items():
        assert {post for post, mark in marks.items() if mark == "✓"} == MAY[step], step
        assert set(marks.values()) <= {"✓", "·"}


def test_every_mark_stands_under_its_post() -> None:
    head, *rows = CliRunner().invoke(app, ["roles"]).stdout.splitlines()
    assert max(map(len, [head, *rows])) <= 120
    starts = [head.index(post) for post in head.split()]
    for row in rows:
        marks = [place for place, letter in enumerate(row) if letter in "✓·"]
        assert all(
            start <= mark < start + len(post) for start, mark, post in zip(starts, marks, head.split(), strict=True)
        )
