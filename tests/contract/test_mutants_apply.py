"""Every mutant still breaks the code that there is: a patch that no longer applies would prove nothing."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MUTANTS = sorted((ROOT / "tests" / "mutants").glob("*.patch"))


def test_there_are_mutants() -> None:
    assert MUTANTS


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="not in a git checkout")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda path: path.stem)
def test_a_mutant_applies_to_the_code_and_says_what_it_breaks(mutant: Path) -> None:
    assert mutant.read_text().partition("--- a/")[0].strip(), "one line above the diff says what it breaks and which test catches it"
    checked = subprocess.run(["git", "apply", "--check", str(mutant)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
