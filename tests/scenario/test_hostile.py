"""Hostile records and requests beside good ones: each ends as the slow reference says, and what is refused changes nothing."""

import asyncio

from tests.hostile.campaign import run
from tests.scenario.running import Platform

RECORDS, REQUESTS, SEED = 600, 40, 20130701
GROWTH_MIB_MAX = 128


def test_hostile_input_ends_as_the_reference_says_and_changes_nothing_for_the_good(platform: Platform) -> None:
    report = asyncio.run(run(platform, RECORDS, REQUESTS, SEED))
    assert report.problems == []
    assert report.fates.keys() == {"validated", "rejected", "duplicates", "ticks"}
    assert report.codes.keys() >= {"undecodable", "not_framed", "trailing_bytes", "unknown_schema", "wrong_type", "bad_header", "time_jump"}
    assert report.peak_mib - report.before_mib < GROWTH_MIB_MAX
