"""Events that were refused are found, mended and sent again; in the end everything is as if they had never been broken."""

from pathlib import Path

from tests.scenario.dead_letters import compare
from tests.scenario.running import Platform

EVENTS, BROKEN = 400, 40


def test_what_was_broken_mended_and_sent_again_ends_as_if_it_had_never_been_broken(platform: Platform, tmp_path: Path) -> None:
    found = compare(platform, tmp_path, EVENTS, BROKEN)
    assert found["mended"] == found["never"]
    assert found["mended"]["validated"] == EVENTS
    counts = found["counts"]
    assert (counts["validated"], counts["rejected"], counts["sent"]) == (EVENTS, BROKEN, EVENTS + BROKEN + counts["duplicates"])
    assert counts["duplicates"] > 0, "the replay that was killed had sent them already"
    assert {(group["waiting"], group["sent_again"]) for group in found["left"].values()} == {(0, 13), (0, 14)}
    holds = platform.try_penstock("verify", "--model", found["model"])
    assert holds.returncode == 0, holds.stdout
