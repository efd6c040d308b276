"""The plan of next-up for a viewer who has begun 500 of 2,000 series."""

from __future__ import annotations

import pytest

from bench import viewing_data, viewing_report

SERIES = 2000


@pytest.mark.only_soak
def test_next_up_scans_no_table_and_ends_after_twenty_items(database):
    viewing_data.fill_catalogue(database, SERIES, other_viewers=5000)
    viewing_data.settle(database)
    lines = viewing_report.plan(database, "ann", SERIES).splitlines()
    scans = [line for line in lines if "Scan" in line]
    searches = [line for line in scans if "videos_of_series" in line]

    assert len(scans) > 5
    assert not [line for line in scans if "Seq Scan" in line]
    assert len(searches) == 1
    assert "loops=20" in searches[0]
