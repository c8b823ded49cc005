"""The campaign's own rules: what a patch must say, which rules must be attacked, and what counts as caught."""

import dataclasses
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants import copies, patches, rules
from tests.mutants.copies import Copy, DoesNotApply
from tests.mutants.patches import BadHeader, Mutant
from tests.mutants.running import Kind, Outcome, Ran, Verdict, judge, kind_of, sweep

TEST = "tests/unit/fold/test_merge.py::test_records_come"
DIFF = "--- a/libs/a.py\n+++ b/libs/a.py\n@@ -1 +1 @@\n-old = 1\n+new = 2\n"
HEADER = f"Breaks: A rule.\nRule: law1.as_of\nCaught by: {TEST}\n"
RULES = """
[part]
"law1.as_of" = "as of"
"law2.lost" = "lost"
"law3.later" = "later"
[no_mutant]
"law3.later" = "not built"
"""
MUTANT = Mutant("one", "A rule.", "law1.as_of", (TEST,), "", ("libs/a.py",))


def test_a_header_says_what_it_breaks_which_rule_and_what_catches_it() -> None:
    assert patches.parse("one", HEADER + DIFF) == MUTANT
    assert patches.parse("one", HEADER + "diff --git a/libs/a.py b/libs/a.py\n" + DIFF) == MUTANT


def test_several_tests_and_the_bug_that_it_was_may_be_named() -> None:
    other = "tests/scenario/test_kill.py::test_the_counts[a case]"
    mutant = patches.parse("one", f"{HEADER}Caught by: {other}\nFound by: simulation, seed 7\n{DIFF}")
    assert (mutant.tests, mutant.found_by) == ((TEST, other), "simulation, seed 7")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "What it breaks; caught by tests/unit/fold/test_merge.py.\n",
        f"Breaks: A rule.\nCaught by: {TEST}\n",
        "Breaks: A rule.\nRule: law1.as_of\n",
        "Breaks: A rule.\nRule: law1.as_of\nCaught by: tests/unit/fold/test_merge.py\n",
        f"Rule: law1.as_of\nBreaks: A rule.\nCaught by: {TEST}\n",
        f"Breaks: \nRule: law1.as_of\nCaught by: {TEST}\n",
        f"{HEADER}\n",
        f"{HEADER}And more.\n",
    ],
)
def test_any_other_header_is_refused(header: str) -> None:
    with pytest.raises(BadHeader, match=r"tests/mutants/one\.patch"):
        patches.parse("one", header + DIFF)


def test_a_patch_without_a_diff_is_refused() -> None:
    with pytest.raises(BadHeader):
        patches.parse("one", HEADER)


def test_a_rule_without_a_mutant_and_a_mutant_without_a_rule_are_gaps() -> None:
    known = rules.parse(RULES)
    assert rules.gaps(known, [MUTANT, dataclasses.replace(MUTANT, rule="law2.lost")]) == []
    assert rules.gaps(known, [MUTANT]) == ["law2.lost: no mutant breaks it (lost)"]
    assert rules.gaps(known, [MUTANT, dataclasses.replace(MUTANT, rule="law2.lost"), dataclasses.replace(MUTANT, rule="law9")]) == [
        "one: there is no rule law9 in rules.toml"
    ]
    assert "law3.later: has a mutant and a reason why it has none" in rules.gaps(known, [dataclasses.replace(MUTANT, rule="law3.later")])


def test_a_reason_for_what_is_no_rule_is_refused() -> None:
    with pytest.raises(ValueError, match="no_mutant names what is no rule: law9"):
        rules.parse('[part]\n"law1.as_of" = "as of"\n[no_mutant]\n"law9" = "gone"')


@pytest.mark.parametrize(
    ("tests", "kind"),
    [
        (["tests/unit/a.py::test_b"], Kind.ALONE),
        (["tests/simulation/a.py::test_b"], Kind.ALONE),
        (["tests/unit/a.py::test_b", "tests/contract/a.py::test_b"], Kind.STACK),
        (["tests/integration/x/a.py::test_b"], Kind.STACK),
        (["tests/integration/x/a.py::test_b", "tests/scenario/a.py::test_b"], Kind.PLATFORM),
    ],
)
def test_what_tests_need_follows_from_where_they_stand(tests: list[str], kind: Kind) -> None:
    assert kind_of(tests) is kind


def outcome(what: str = "failed", when: str = "call", hung: bool = False, test: str = TEST) -> Outcome:
    return Outcome(test, when, what, hung, 0.1)


@pytest.mark.parametrize(
    ("ran", "verdict"),
    [
        (Ran((outcome(),), "", False), Verdict.CAUGHT),
        (Ran((outcome(hung=True),), "", False), Verdict.HANGS),
        (Ran((outcome("passed"),), "", True), Verdict.HANGS),
        (Ran((outcome("passed"),), "", False), Verdict.SURVIVED),
        (Ran((outcome(when="setup"),), "", False), Verdict.NOT_RUN),
        (Ran((outcome("passed"), outcome(when="teardown")), "", False), Verdict.NOT_RUN),
        (Ran((), "no such module", False), Verdict.NOT_RUN),
    ],
)
def test_only_a_test_that_fails_or_hangs_has_caught_a_mutant(ran: Ran, verdict: Verdict) -> None:
    result = judge(MUTANT, ran, 1.0)
    assert result.verdict is verdict
    assert result.verdict.is_good == (verdict in {Verdict.CAUGHT, Verdict.HANGS})
    assert bool(result.noticed_by) == result.verdict.is_good


def test_a_test_has_passed_when_it_ran_and_none_of_its_cases_failed() -> None:
    assert Ran((outcome("passed", test=f"{TEST}[1]"),), "", False).passed(TEST)
    assert not Ran((outcome("passed", test=f"{TEST}[1]"), outcome(test=f"{TEST}[2]")), "", False).passed(TEST)
    assert not Ran((outcome("passed", test=f"{TEST}_first"),), "", False).passed(TEST)
    assert not Ran((outcome("skipped", when="setup"),), "", False).passed(TEST)
    assert not Ran((), "", False).passed(TEST)


def test_what_tests_leave_running_in_the_copy_is_ended(tmp_path: Path) -> None:
    here, elsewhere = tmp_path / "here", tmp_path / "elsewhere"
    for folder in (here, elsewhere):
        folder.mkdir()
    left, other = (subprocess.Popen(["sleep", "100"], cwd=folder) for folder in (here, elsewhere))
    sweep(here)
    assert left.wait(timeout=10) == -signal.SIGKILL
    assert other.poll() is None
    other.kill()
    other.wait()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    if not (copies.ROOT / ".git").exists():
        pytest.skip("not in a git checkout")
    return Copy(tmp_path / "copy")


def test_a_copy_is_broken_and_mended_again(copy: Copy) -> None:
    mutant = patches.load()[0]
    before = {name: (copy.tree / name).read_bytes() for name in mutant.changed}
    with copy.broken_by(mutant):
        assert {name: (copy.tree / name).read_bytes() for name in mutant.changed} != before
        with pytest.raises(DoesNotApply), copy.broken_by(mutant):
            pass
    assert {name: (copy.tree / name).read_bytes() for name in mutant.changed} == before


def test_a_copy_is_what_python_imports_and_its_compiled_modules_are_forgotten(copy: Copy) -> None:
    copy.check_imports()
    mutant = next(each for each in patches.load() if each.changed == ("libs/penstock/fold/origin.py",))
    source = copy.tree / mutant.changed[0]
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(source)], check=True)
    assert list((source.parent / "__pycache__").glob("origin.*.pyc"))
    with copy.broken_by(mutant):
        assert not list((source.parent / "__pycache__").glob("origin.*.pyc"))
