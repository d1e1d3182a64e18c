"""The story of a case as the engine's web page shows it: who did what, by post and by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from domain import story, words
from domain.roles import Role

if TYPE_CHECKING:
    from tests.domain.conftest import Desk


def test_every_role_has_a_word() -> None:
    assert set(words.ROLE) == set(Role)


def test_a_line_names_the_post_of_a_person(named: Callable[..., "Desk"]) -> None:
    desk = named()
    desk.take("sign-in", "2026-09-24 10:30")
    assert [story.line(event, desk.case) for event in desk.events] == [
        "2026-09-24 10:00，受理（话务员）",
        "2026-09-24 10:00，派单（派单员），派单时限，自来水公司，协办 燃气公司，时限 2026-10-08 24:00",
        "2026-09-24 10:30，签收（承办单位），签收时限，自来水公司，时限 2026-10-08 24:00",
    ]


def test_what_the_engine_does_by_itself_names_nobody(named: Callable[..., "Desk"]) -> None:
    desk = named()
    (yellow, *_) = desk.lapse("2026-09-30 10:00")
    assert story.line(yellow, desk.case).startswith("2026-09-30 10:00，黄牌预警，签收时限，自来水公司")


def test_a_grid_is_named_as_people_call_it(received: Callable[..., "Desk"]) -> None:
    for name, shown in (("花园路街道", "通知网格 花园路街道：派单"), (None, "通知网格 g-1：派单")):
        desk = received("2026-09-24 10:00", grid="g-1", grid_name=name)
        effects = desk.effects(desk.take("dispatch", "2026-09-24 10:00", lead="water"))
        assert shown in [story.effect(effect, desk.case) for effect in effects]
