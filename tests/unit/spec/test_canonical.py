"""Canonical JSON is the identity, and whatever is not a specification is refused with SpecError only."""

import contextlib
import io
import json
from typing import Any

from hypothesis import given, strategies as st
from ruamel.yaml import YAML

from penstock.spec import Spec, SpecError, from_json, load, part_from_json
from tests.unit.spec.strategies import documents

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def as_yaml(document: dict[str, Any]) -> str:
    text = io.StringIO()
    YAML(typ="safe", pure=True).dump(document, text)
    return text.getvalue()


@given(documents())
def test_load_to_json_from_json_is_the_identity(document: dict[str, Any]) -> None:
    spec = load(as_yaml(document))
    text = spec.to_json()
    assert from_json(text) == spec
    assert from_json(text).to_json() == text
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@given(documents())
def test_the_parts_make_the_whole(document: dict[str, Any]) -> None:
    spec = from_json(json.dumps(document))
    parts = {(kind, name): part_from_json(kind, name, body) for kind, name, body in spec.parts()}
    mappings = {"stream": spec.streams, "view": spec.views, "model": spec.models}
    assert parts == {(kind, name): part for kind, mapping in mappings.items() for name, part in mapping.items()}


@given(documents(), st.data())
def test_a_document_with_one_value_replaced_loads_or_is_refused_politely(document: dict[str, Any], data: st.DataObject) -> None:
    node: Any = document
    while isinstance(node, dict) and node:
        parent, key = node, data.draw(st.sampled_from(sorted(node)))
        node = node[key]
        if data.draw(st.booleans()):
            break
    parent[key] = data.draw(JSON)
    assert accepted_or_refused(json.dumps(document))


@given(st.text())
def test_any_text_loads_or_is_refused_politely(text: str) -> None:
    with contextlib.suppress(SpecError):
        assert isinstance(load(text), Spec)


def accepted_or_refused(text: str) -> bool:
    try:
        spec = from_json(text)
    except SpecError as error:
        return bool(error.problems)
    return from_json(spec.to_json()) == spec
