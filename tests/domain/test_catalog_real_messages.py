"""How often the catalog's first suggestion is right, on real messages that another hotline has sorted by subject."""

import csv
from pathlib import Path

import pytest

from tests.domain.test_catalog_events import CATALOG

DATA = Path(__file__).parents[2].parent / "shared/data"

SUBJECTS = {
    "城乡建设": """
        outage-water outage-heat outage-gas water-pressure water-leak water-stop water-quality water-frozen
        water-meter-alert elder-no-water water-pumps water-renewal water-service heat-cold heat-leak heat-retrofit
        heat-service gas
        guard-rail road-damage manhole street-light drainage refuse-truck refuse snow street-trading illegal-building
        construction-noise cooking-smoke dust trees parking-fee fire-lane elevator elevator-retrofit
        property-management home-sales home-quality home-rent old-estate unmanaged-yard resettlement planning
        provident-fund
    """,
    "交通运输": "bus metro taxi highway post traffic-order illegal-parking",
    "劳动和社会保障": "wages social-insurance jobs medical-insurance chronic-drugs",
    "教育文体": "school tourism",
    "卫生计生": "hospital family-planning medical-insurance food-safety",
    "商贸旅游": "business-licence food-safety consumer commerce tourism elevator",
    "环境保护": "outage-pollution pollution construction-noise life-noise cooking-smoke dust",
}
"""Our items under the subjects of that hotline; some stand under two, because the subjects divide them."""


def rows(name: str) -> list[dict[str, str]]:
    if not (DATA / name).exists():
        pytest.skip(f"the real messages, shared/data/{name} beside the project, are absent")
    with (DATA / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def right(texts: list[tuple[str, str]]) -> float:
    """The part of (text, subject) whose first suggestion stands under the subject; none suggested is not right."""
    firsts = [(CATALOG.suggest(text, limit=1), subject) for text, subject in texts]
    return sum(found[0].item in SUBJECTS[subject].split() for found, subject in firsts if found) / len(firsts)


def test_every_item_named_is_in_the_catalog() -> None:
    assert {code for codes in SUBJECTS.values() for code in codes.split()} <= CATALOG.items.keys()


def test_three_of_four_messages_are_suggested_under_their_subject() -> None:
    messages = rows("labelled-messages.csv")
    assert right([(f"{row['subject']} {row['body']}", row["level1"]) for row in messages]) > 0.75
    assert right([(row["subject"], row["level1"]) for row in messages]) > 0.72


def test_so_are_most_entries_of_the_subject_tree() -> None:
    tree = [row for row in rows("catalog.csv") if row["level1"] in SUBJECTS]
    assert right([(f"{row['level2']}。{row['level3']}", row["level1"]) for row in tree]) > 0.7
