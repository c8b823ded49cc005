"""The whole specification: read from YAML or from its canonical JSON, checked, and written back."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from penstock.spec.checks import Declared, check_model, check_stream, check_view
from penstock.spec.document import Node, parse_json, parse_yaml
from penstock.spec.errors import Path, Problems, SpecError
from penstock.spec.model import Model, model_body, read_model
from penstock.spec.section import NAME, NAME_RULE, Section
from penstock.spec.stream import Stream, read_stream, stream_body
from penstock.spec.view import View, read_view, view_body

Part = TypeVar("Part", Stream, View, Model)
Versioned = Mapping[str, tuple[int, Part]]
"""Parts by name, each with its version, as the catalogue has them."""
KINDS = ("stream", "view", "model")


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything a user declares; the mappings are in the order of their names."""

    streams: Mapping[str, Stream]
    views: Mapping[str, View]
    models: Mapping[str, Model]

    def to_json(self) -> str:
        """Canonical JSON: the file with every default written out, keys sorted, no spaces."""
        return canonical(
            {
                "streams": {name: stream_body(stream) for name, stream in self.streams.items()},
                "views": {name: view_body(view) for name, view in self.views.items()},
                "models": {name: model_body(model) for name, model in self.models.items()},
            }
        )

    def parts(self) -> Iterator[tuple[str, str, str]]:
        """Kind ("stream", "view", "model"), name and canonical JSON of every part; a part follows those it refers to."""
        yield from (("stream", name, canonical(stream_body(stream))) for name, stream in self.streams.items())
        yield from (("view", name, canonical(view_body(view))) for name, view in self.views.items())
        yield from (("model", name, canonical(model_body(model))) for name, model in self.models.items())


def load(text: str, source: str = "penstock.yaml") -> Spec:
    """The specification in a YAML 1.2 file.

    Raises: SpecError with all problems at once, each `penstock.yaml:41:18: path: what is wrong. Try: …`.
    """
    problems = Problems(source)
    return _read(parse_yaml(text, problems), problems)


def from_json(text: str, source: str = "specification") -> Spec:
    """The specification in its JSON form, checked as thoroughly as a file. Raises: SpecError."""
    problems = Problems(source)
    return _read(parse_json(text, problems), problems)


def part_from_json(kind: str, name: str, body: str) -> Stream | View | Model:
    """One part from its canonical JSON; what it refers to is not looked at. Raises: SpecError."""
    problems = Problems(f"{kind} {name}")
    node = parse_json(body, problems)
    problems.raise_if_any()
    assert node is not None
    readers: dict[str, Callable[[str, Node, Path, Problems], Stream | View | Model]]
    readers = {"stream": read_stream, "view": read_view, "model": read_model}
    if kind not in readers:
        raise SpecError(f"{kind} is not a kind of specification ({', '.join(readers)})")
    part = readers[kind](name, node, (), problems)
    problems.raise_if_any()
    return part


def newest(streams: Versioned[Stream], views: Versioned[View], models: Versioned[Model]) -> Spec:
    """The specification of parts that have versions; some that it refers to may not be here yet."""
    return Spec(_parts(streams), _parts(views), _parts(models))


def _parts(versioned: Versioned[Part]) -> dict[str, Part]:
    return {name: part for name, (_, part) in versioned.items()}


def canonical(value: Any) -> str:
    """A value as JSON in its one form: sorted keys, no spaces, no NaN. Raises: ValueError.

    >>> canonical({"b": 1, "a": None})
    '{"a":null,"b":1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _read(node: Node | None, problems: Problems) -> Spec:
    if node is None:
        problems.raise_if_any()
        raise AssertionError("a document that cannot be read has a problem")
    section = Section(node, (), problems, ("streams", "views", "models"))
    streams = _read_parts(section, "streams", read_stream)
    views = _read_parts(section, "views", read_view)
    models = _read_parts(section, "models", read_model)
    declared = Declared(streams, views, models)
    for stream in declared.sound_streams.values():
        check_stream(stream, node, problems)
    for view in declared.sound_views.values():
        check_view(view, declared, node, problems)
    for model in declared.sound_models.values():
        check_model(model, declared, node, problems)
    problems.raise_if_any()
    return Spec(declared.sound_streams, declared.sound_views, declared.sound_models)


def _read_parts(section: Section, key: str, read: Callable[[str, Node, Path, Problems], Part]) -> dict[str, Part | None]:
    """Every declared part by name; None where a part has problems of its own, so that what refers to it is not blamed."""
    parts: dict[str, Part | None] = {}
    for name, node, path in section.entries(key, NAME, NAME_RULE, required=key == "streams"):
        before = len(section.problems)
        part = read(name, node, path, section.problems)
        parts[name] = part if len(section.problems) == before else None
    return parts
