"""docs/learners.md says what the code says."""

import pytest
from ruamel.yaml import YAML

from penstock.codec.buildables import BUILDABLES
from penstock.codec.buildables.refused import REFUSED
from tests.codec import page
from tests.codec.cases import Case
from tests.codec.supported import CASES

TEXT = page.FILE.read_text(encoding="utf-8")


def test_the_page_has_every_case_with_its_class_its_line_and_its_properties() -> None:
    assert sorted(page.lines(TEXT)) == sorted(page.stable(case) for case in CASES)


def test_at_least_ninety_cases_are_supported() -> None:
    assert len(CASES) >= 90
    assert f"{len(CASES)} cases" in TEXT


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_line_to_write_is_the_recipe(case: Case) -> None:
    written = YAML(typ="safe").load(page.written(case))
    assert (written["then"] if page.group_of(case) == "transformer" else written) == case.about


def test_every_refused_class_stands_there_with_its_reason_and_in_no_list() -> None:
    assert not set(REFUSED) & set(BUILDABLES)
    for name in REFUSED:
        assert f"| `{name}` |" in TEXT


def test_only_what_needs_the_order_of_a_set_is_pinned() -> None:
    assert {case.class_name for case in CASES if case.pinned} == {"cluster.KMeans", "feature_extraction.TFIDF"}
