"""A grid's part as the engine carries it: found by its grid wherever it is moved, and told in order."""

from tests.workflows.hotline import Hotline, Street, eventually, kinds
from workflows.attributes import GRID


async def test_resolved_by_another_grid_than_it_came_from_the_case_ends_well(hotline: Hotline, street: Street) -> None:
    number = await hotline.receive(grid="zz-g-badonglou")
    await hotline.take(number, "dispatch", lead="zz-heat")
    await hotline.take(number, "grid-escalate", "zz-g-badonglou")
    lineage = {"zz-g-yanlelixintian": "燕乐里新田小区", "zz-g-weilailu": "未来路街道"}
    await hotline.take(number, "assign-grid", grid="zz-g-yanlelixintian", lineage=lineage)
    await hotline.take(number, "grid-sign-in", "zz-g-yanlelixintian")

    async def moved() -> bool:
        found = (await hotline.case(number).describe()).typed_search_attributes.get(GRID)
        return found == "zz-g-yanlelixintian"

    assert await eventually(moved)
    await hotline.take(number, "grid-resolve", "zz-g-yanlelixintian")
    await hotline.take(number, "rate", rating=5, solved=True, contacted=True)
    assert (await hotline.closed(number)).outcome == "resolved"
    assert kinds(await hotline.events(number))[2:] == [
        "grid_escalated", "grid_assigned", "grid_signed_in", "grid_resolved", "rated", "closed",
    ]  # fmt: skip
    notices = sorted((notice["grid"], notice["kind"]) for notice in await street.received("grid", number))
    assert notices == [
        ("zz-g-badonglou", "dispatched"),
        ("zz-g-dulingjie", "grid_escalated"),
        ("zz-g-dulingjie", "recall"),
        ("zz-g-yanlelixintian", "grid_assigned"),
    ]
    texts = [entry["text"] for entry in await street.received("sms", number)]
    assert any("燕乐里新田小区网格已反馈您诉求" in text for text in texts)
