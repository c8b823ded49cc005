"""The campaign in small: real copies, real processes."""

import dataclasses
from pathlib import Path

import pytest

from tests.mutants import campaign, copies, patches
from tests.mutants.campaign import CannotRun
from tests.mutants.patches import Mutant
from tests.mutants.running import Result, Verdict

FILE = "tests/unit/fold/test_origin.py"
pytestmark = pytest.mark.skipif(not (copies.ROOT / ".git").exists(), reason="not in a git checkout")


def mixing_generations(*tests: str) -> Mutant:
    mutant = next(each for each in patches.load() if each.name == "law2_generations_mix")
    return dataclasses.replace(mutant, tests=tuple(f"{FILE}::{test}" for test in tests))


async def test_a_mutant_is_caught_by_the_test_of_its_rule_and_survives_another(tmp_path: Path) -> None:
    caught = mixing_generations("test_what_was_accepted_is_known_after_a_restore", "test_the_highest_is_kept_apart_for_each_source")
    survivor = mixing_generations("test_what_is_not_higher_than_all_before_it_is_dropped")
    said: list[Result] = []
    results = await campaign.run([survivor, caught, survivor], 2, tmp_path, said.append)
    assert sorted(said, key=str) == sorted(results, key=str)
    assert [result.verdict for result in results] == [Verdict.SURVIVED, Verdict.CAUGHT, Verdict.SURVIVED]
    assert results[1].noticed_by == (f"{FILE}::test_the_highest_is_kept_apart_for_each_source[generation]",)


async def test_tests_that_are_not_there_end_the_campaign(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="test_that_nobody_wrote"):
        await campaign.run([mixing_generations("test_that_nobody_wrote")], 1, tmp_path, lambda _: None)
