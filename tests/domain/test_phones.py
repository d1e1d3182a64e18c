"""A mobile number has one spelling."""

import pytest

from domain.phones import mobile


@pytest.mark.parametrize(
    "written",
    [
        "13812345678", "+8613812345678", "86 13812345678", "008613812345678", "+86-138-1234-5678", "138 1234 5678",
        "１３８１２３４５６７８", "＋８６　138－1234－5678",
    ],
)  # fmt: skip
def test_a_mobile_number_is_its_eleven_digits(written: str) -> None:
    assert mobile(written) == "13812345678"


@pytest.mark.parametrize("written", ["0371-67170000", "67170000", "12345", "+1 212 555 0100", "١٣٨١٢٣٤٥٦٧٨", ""])
def test_other_numbers_are_none(written: str) -> None:
    assert mobile(written) is None
