"""What another version wrote is no calibration, and no reason to stop."""

import pytest

from marketmaker.adapters.dynamodb.calibrations import MOST_AN_UPDATE, calibration_from, variance_updates
from marketmaker.adapters.dynamodb.models import CalibrationItem
from marketmaker.domain.regime import BUCKET_MS

UNFIT = '{"unfit":{"reason":"no"}}'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        f'{{"volatility":{UNFIT},"intensity":{UNFIT}}}',
        f'{{"volatility":{UNFIT},"intensity":{UNFIT},"regime":{{}}}}',
        f'{{"volatility":{UNFIT},"intensity":{UNFIT},"regime":3}}',
        f'{{"volatility":{{"fit":{{"sigma":"1e-4"}}}},"intensity":{UNFIT},"regime":{UNFIT}}}',
    ],
)
def test_content_that_cannot_be_read_is_none(content: str) -> None:
    assert calibration_from(CalibrationItem("binance#A/B", "calibration", until_ms=1, content=content)) is None


def test_an_update_holds_so_many_variances_of_one_day_at_most() -> None:  # R24
    week = {number * BUCKET_MS: None for number in range(100, 300)}
    updates = list(variance_updates(week))
    assert [(row[-9:], len(actions) - 1) for row, actions in updates] == [
        ("000000000", 44),
        ("086400000", MOST_AN_UPDATE),
        ("086400000", MOST_AN_UPDATE),
        ("086400000", MOST_AN_UPDATE),
        ("172800000", 12),
    ]
