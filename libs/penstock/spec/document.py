"""The text of a specification as a tree of values that know their line and column (YAML 1.2 core schema, or JSON)."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from penstock.spec.errors import Path, Problems, quoted

FILE_BYTES_MAX = 1_000_000
NODES_MAX = 100_000
DEPTH_MAX = 24
DIGITS_MAX = 400
SURROGATE = re.compile("[\ud800-\udfff]")
INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | dict.fromkeys(("true", "True", "TRUE"), True)
WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)


@dataclass(slots=True)
class Node:
    """A value of the document and where it stands (line and column from 1, 0 when there is no file)."""

    value: Any  # str, int, float, bool, None, dict[str, Node] or list[Node]
    position: tuple[int, int] = (0, 0)
    key_position: tuple[int, int] = (0, 0)

    def plain(self) -> Any:
        """The value without positions."""
        match self.value:
            case dict():
                return {key: node.plain() for key, node in self.value.items()}
            case list():
                return [node.plain() for node in self.value]
        return self.value

    def find(self, path: Path) -> "Node":
        """The node at `path`, or the deepest one there is on the way."""
        node = self
        for step in path:
            inside = node.value
            if isinstance(inside, dict) and step in inside:
                node = inside[str(step)]
            elif isinstance(inside, list) and isinstance(step, int) and step < len(inside):
                node = inside[step]
            else:
                break
        return node


class _Stop(Exception):
    """The document cannot be read further."""


def parse_yaml(text: str, problems: Problems) -> Node | None:
    """The document, or None when it cannot be read at all (the reason is among the problems)."""
    if len(text.encode(errors="replace")) > FILE_BYTES_MAX:
        problems.add((0, 0), (), f"the file is longer than {FILE_BYTES_MAX} bytes", "split it")
        return None
    try:
        return _Tree(problems).build(YAML(typ="safe", pure=True).parse(text))
    except _Stop:
        return None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "not YAML"
        problems.add(
            (mark.line + 1, mark.column + 1) if mark else (0, 0), (), f"not YAML 1.2: {reason}", "look at the indentation and the quotes"
        )
    except (ValueError, RecursionError) as error:  # ruamel on broken escapes and surrogates
        problems.add((0, 0), (), f"not YAML 1.2: {error}")
    return None


def parse_json(text: str, problems: Problems) -> Node | None:
    """The same tree from JSON, without positions."""
    try:
        return _from_plain(json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse), 0)
    except (ValueError, RecursionError) as error:
        problems.add((0, 0), (), f"not JSON: {error}")
    return None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs) or any(SURROGATE.search(key) for key, _ in pairs):
        raise ValueError("a key stands twice in one object, or holds half a character")
    return dict(pairs)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number of JSON")


def _from_plain(value: Any, depth: int) -> Node:
    if depth > DEPTH_MAX:
        raise ValueError(f"nested deeper than {DEPTH_MAX}")
    match value:
        case dict():
            return Node({key: _from_plain(inside, depth + 1) for key, inside in value.items()})
        case list():
            return Node([_from_plain(inside, depth + 1) for inside in value])
        case str() if SURROGATE.search(value):
            raise ValueError("half a character (a lone surrogate)")
    return Node(value)


@dataclass(slots=True)
class _Tree:
    """Builds nodes from parser events with a stack: no recursion, no aliases, no tags, no duplicate keys."""

    problems: Problems
    stack: list[Node] = field(default_factory=list)
    keys: list[tuple[str, tuple[int, int]] | None] = field(default_factory=list)
    root: Node | None = None

    def build(self, events: Iterator[Event]) -> Node:
        """The root node. Raises: _Stop after noting why."""
        documents = 0
        for count, event in enumerate(events):
            position = (event.start_mark.line + 1, event.start_mark.column + 1)
            documents += isinstance(event, DocumentStartEvent)
            if count > NODES_MAX or len(self.stack) > DEPTH_MAX or documents > 1:
                what = "a second document" if documents > 1 else f"more than {NODES_MAX} values, or nested deeper than {DEPTH_MAX}"
                self._stop(position, what)
            self._take(event, position)
        return self.root or Node(None, (1, 1))

    def _take(self, event: Event, position: tuple[int, int]) -> None:
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor):
            self._stop(position, "anchors and aliases (& and *) are not supported", "write the value out")
        if isinstance(event, NodeEvent) and str(getattr(event, "tag", None) or "!") not in ("!", "None"):
            self._stop(position, f"tags are not supported ({quoted(getattr(event, 'tag', None))})", "leave the tag out")
        match event:
            case ScalarEvent():
                self._scalar(event, position)
            case MappingStartEvent() | SequenceStartEvent():
                node = Node({} if isinstance(event, MappingStartEvent) else [], position)
                self._place(node)
                self.stack.append(node)
                self.keys.append(None)
            case MappingEndEvent() | SequenceEndEvent():
                self.stack.pop()
                self.keys.pop()

    def _scalar(self, event: ScalarEvent, position: tuple[int, int]) -> None:
        if SURROGATE.search(event.value):
            self._stop(position, "half a character (a lone surrogate)", "the whole character")
        if self.stack and isinstance(self.stack[-1].value, dict) and self.keys[-1] is None:
            self.keys[-1] = (event.value, position)
            return
        plain = not event.style and bool(event.implicit[0])
        self._place(Node(_resolve(event.value) if plain else event.value, position))

    def _place(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1].value
        if isinstance(parent, list):
            parent.append(node)
            return
        key = self.keys[-1]
        if key is None:
            self._stop(node.position, "a mapping or list cannot be a key")
        assert key is not None
        name, node.key_position = key
        self.keys[-1] = None
        if name in parent:
            self.problems.add(node.key_position, (), f"the key {quoted(name)} stands twice", "keep one of them")
        parent[name] = node

    def _stop(self, position: tuple[int, int], message: str, cure: str = "") -> None:
        self.problems.add(position, (), message, cure)
        raise _Stop


def _resolve(text: str) -> Any:
    """The value of a plain scalar (YAML 1.2, core schema); what is not finite stays text, which no number accepts."""
    if text in WORDS:
        return WORDS[text]
    if len(text) <= DIGITS_MAX and INTEGER.fullmatch(text):
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    return float(text) if FLOAT.fullmatch(text) else text
