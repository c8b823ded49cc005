"""The allow-list is the observed set, and nothing in it is a way out."""

import pytest

from penstock.codec import decode
from penstock.codec.allowed import CALLABLES, METHODS
from penstock.codec.attributes import ATTRIBUTES
from penstock.codec.buildables import BUILDABLES
from penstock.codec.classes import Unknown, callable_named, class_named, name_of, shape_of
from penstock.codec.encoder import Walk
from penstock.codec.kinds import node_kinds
from tests.codec.supported import CASES, trained

# Listed without being seen here: a split that none of the streams brings about, and a selection that plain River code may hold.
UNSEEN = {"river.compose.select.Select", "river.tree.nodes.hatc_nodes.AdaNomBinaryBranchClass"}


def _classes_in(state: bytes) -> set[str]:
    walk = Walk(decode(state))
    walk.document()
    return {name_of(type(obj)) for obj in walk.objects}


def test_every_listed_class_is_seen_in_a_case() -> None:
    seen = set().union(*(_classes_in(trained(case.name)) for case in CASES), _classes_in(trained("tree-regressor-mean", 500)))
    assert set(ATTRIBUTES) - seen == UNSEEN


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_listed_class_exists_under_its_own_name(name: str) -> None:
    assert name_of(class_named(name)) == name
    assert shape_of(name)


@pytest.mark.parametrize("name", CALLABLES)
def test_a_listed_callable_exists(name: str) -> None:
    assert callable(callable_named(name))


def test_nothing_that_runs_or_opens_is_listed() -> None:
    listed = {*ATTRIBUTES, *CALLABLES, *METHODS}
    assert {name.split(".")[0] for name in listed} == {"river", "penstock", "builtins", "collections"}
    assert {name for name in listed if name.startswith("builtins.")} == {
        f"builtins.{name}" for name in ("dict", "float", "int", "set", "str")
    }


def test_a_name_that_is_not_listed_imports_nothing() -> None:
    with pytest.raises(Unknown):
        class_named("antigravity.Anything")


def test_tags_of_nodes_are_never_given_twice() -> None:
    containers = [kind.tag for kind in node_kinds() if kind.tag != 11]  # 11: all native classes, told apart by name
    assert len(set(containers)) == len(containers)
    assert not {14, 32, 33, 34, 35, 36, 37} & set(containers)


def test_what_a_recipe_may_build_the_codec_may_write() -> None:
    public = {name.rpartition(".")[2] for name in BUILDABLES}
    assert public <= {name.rpartition(".")[2] for name in ATTRIBUTES}
