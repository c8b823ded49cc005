"""Every mutant still breaks the code that there is, names tests that there are, and every rule has a mutant."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.mutants import patches, rules
from tests.mutants.patches import Mutant

ROOT = Path(__file__).parents[2]


def test_every_rule_has_a_mutant_and_every_mutant_a_rule() -> None:
    assert rules.gaps(rules.load(), patches.load()) == []


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="not in a git checkout")
@pytest.mark.parametrize("mutant", patches.load(), ids=lambda mutant: mutant.name)
def test_a_mutant_applies_to_the_code_and_names_tests_that_there_are(mutant: Mutant) -> None:
    checked = subprocess.run(["git", "apply", "--check", str(mutant.path)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    for test in mutant.tests:
        file, _, name = test.partition("[")[0].partition("::")
        assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{test} is not there"
