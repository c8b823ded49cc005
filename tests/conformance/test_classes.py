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


def _classes_in(state: bytes) -> set[str]:
    walk = Walk(decode(state))
    walk.document()
    return {name_of(type(obj)) for obj in walk.objects}


def test_every_class_that_a_case_holds_is_listed_and_most_are_held_by_one() -> None:
    """The others come with other arguments: `tests.codec.variants` brings them about, one by one, which takes minutes."""
    seen = set().union(*(_classes_in(trained(case.name)) for case in CASES))
    assert seen - set(ATTRIBUTES) - {name_of(kind.type) for kind in node_kinds()} == set()
    assert len(set(ATTRIBUTES) - seen) < len(ATTRIBUTES) / 5


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_a_listed_class_exists_under_its_own_name(name: str) -> None:
    assert name_of(class_named(name)) == name
    assert shape_of(name)


@pytest.mark.parametrize("name", CALLABLES)
def test_a_listed_callable_exists(name: str) -> None:
    assert callable(callable_named(name))


def test_nothing_that_runs_or_opens_is_listed() -> None:
    listed = {*ATTRIBUTES, *CALLABLES, *METHODS}
    assert {name.split(".")[0] for name in listed} == {"river", "penstock", "builtins", "collections", "copy", "random"}
    assert {name for name in listed if name.startswith("builtins.")} == {
        f"builtins.{name}" for name in ("bool", "dict", "float", "int", "set", "str", "tuple")
    }
    assert {name for name in listed if name.startswith(("copy.", "random."))} == {"copy.deepcopy", "random.Random.gauss"}


def test_a_name_that_is_not_listed_imports_nothing() -> None:
    with pytest.raises(Unknown):
        class_named("antigravity.Anything")


def test_tags_of_nodes_are_never_given_twice() -> None:
    containers = [kind.tag for kind in node_kinds() if kind.tag not in (11, 15)]  # classes told apart by name: native ones, components
    assert len(set(containers)) == len(containers)
    assert not {14, 32, 33, 34, 35, 36, 37, 38} & set(containers)


def test_what_a_recipe_may_build_the_codec_may_write() -> None:
    public = {name.rpartition(".")[2] for name in BUILDABLES}
    assert public <= {name.rpartition(".")[2] for name in ATTRIBUTES}
