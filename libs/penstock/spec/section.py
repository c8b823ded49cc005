"""A mapping of the document, read key by key: wrong values are noted with their place, and unknown keys are refused."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from penstock.spec.document import Node
from penstock.spec.duration import parse_duration
from penstock.spec.errors import Path, Problems, nearest, quoted

NAME = re.compile(r"[a-z][a-z0-9-]{0,99}")
NAME_RULE = "small letters, digits and hyphens, a letter first, at most 100"
FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")
FIELD_RULE = "letters, digits and underscores, a letter first, at most 100"
TEXT_CHARACTERS_MAX = 1_000


class Section:
    """Reads one mapping. A wrong or missing value is noted and a harmless one returned; the caller drops a part with problems."""

    def __init__(self, node: Node, path: Path, problems: Problems, known: Sequence[str]) -> None:
        self.path, self.problems, self._position, self._root = path, problems, node.position, node
        self._items: Mapping[str, Node] = {}
        if not isinstance(node.value, dict):
            problems.add(node.position, path, "must be a mapping", f"{{{known[0]}: …}}" if known else "")
            self._broken = True
            return
        self._broken = False
        self._items = node.value
        for key, item in self._items.items():
            if key not in known:
                problems.add(
                    item.key_position,
                    (*path, key),
                    f"the key {quoted(key)} is unknown",
                    nearest(key, known) or f"one of {', '.join(known)}",
                )

    def __contains__(self, key: str) -> bool:
        return key in self._items

    def node(self, key: str, *, required: bool = True, cure: str = "") -> Node | None:
        """The value of a key; null counts as missing."""
        item = self._items.get(key)
        if item is not None and item.value is not None:
            return item
        if required and not self._broken:
            self.problems.add(
                item.position if item else self._position, self.path, f"the key {quoted(key)} is missing", cure or f"{key}: …"
            )
        return None

    def note(self, key: str, message: str, cure: str = "") -> None:
        """Note a problem at the value of a key."""
        position = self._items[key].position if key in self._items else self._position
        self.problems.add(position, (*self.path, key), message, cure)

    def note_at(self, inside: Path, message: str, cure: str = "") -> None:
        """Note a problem at a value further inside."""
        self.problems.add(self._root.find(inside).position, (*self.path, *inside), message, cure)

    def text(self, key: str, *, required: bool = True, cure: str = "") -> str | None:
        """A string."""
        node = self.node(key, required=required, cure=cure)
        if node is None:
            return None
        if not isinstance(node.value, str) or not 0 < len(node.value) <= TEXT_CHARACTERS_MAX:
            self.note(key, f"must be a text of 1 to {TEXT_CHARACTERS_MAX} characters, not {describe(node.value)}", cure or f'{key}: "…"')
            return None
        return node.value

    def choice(self, key: str, known: Sequence[str], default: str | None = None, *, later: str = "") -> str:
        """One of a few words; `later` says what will exist one day."""
        node = self.node(key, required=default is None, cure=f"{key}: {known[0]}")
        if node is None:
            return default or known[0]
        if node.value not in known:
            word = nearest(str(node.value), known) or known[0]
            self.note(key, f"{quoted(node.value)} is unknown ({', '.join(known)}{'; ' + later if later else ''})", f"{key}: {word}")
            return known[0]
        return str(node.value)

    def flag(self, key: str) -> bool:
        """True or false; false where it is not said."""
        value = self.plain(key)
        if not isinstance(value, bool | None):
            self.note(key, "must be true or false", f"{key}: true")
        return value is True

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within limits."""
        node = self.node(key, required=False)
        if node is None:
            return default
        if isinstance(node.value, bool) or not isinstance(node.value, int) or not low <= node.value <= high:
            self.note(key, f"must be a whole number from {low} to {high}, not {describe(node.value)}", f"{key}: {default}")
            return default
        return node.value

    def number(self, key: str, default: float) -> float:
        """A finite number, as float."""
        node = self.node(key, required=False)
        value = default if node is None else as_number(node.value)
        if value is None:
            self.note(key, "must be a finite number", f"{key}: {default}")
        return default if value is None else value

    def duration(self, key: str, default: str | None = None, *, required: bool = True) -> int | None:
        """A duration in ms."""
        node = self.node(key, required=required and default is None, cure=f"{key}: 48h")
        if node is None:
            return None if default is None else parse_duration(default)
        duration_ms = parse_duration(node.value) if isinstance(node.value, str) else None
        if duration_ms is None:
            self.note(key, f"{quoted(node.value)} is not a duration", f"{key}: {default or '48h'} (units: d, h, m, s, ms)")
        return duration_ms

    def items(self, key: str, *, required: bool = False, size_max: int = 500) -> Sequence[tuple[Node, Path]]:
        """The nodes of a list, with their paths."""
        node = self.node(key, required=required)
        if node is None:
            return ()
        if not isinstance(node.value, list) or len(node.value) > size_max:
            self.note(key, f"must be a list of at most {size_max}", f"{key}: [ … ]")
            return ()
        return [(item, (*self.path, key, index)) for index, item in enumerate(node.value)]

    def words(self, key: str) -> tuple[str, ...]:
        """A list of different strings."""
        words: list[str] = []
        for item, path in self.items(key):
            if not isinstance(item.value, str):
                self.problems.add(item.position, path, f"must be a text, not {describe(item.value)}")
            elif item.value in words:
                self.problems.add(item.position, path, f"{quoted(item.value)} stands twice", "keep one of them")
            else:
                words.append(item.value)
        return tuple(words)

    def entries(
        self, key: str, pattern: re.Pattern[str], rule: str, *, required: bool = False, size_max: int = 100
    ) -> Sequence[tuple[str, Node, Path]]:
        """Name, node and path of every entry of a mapping, in the order of the names."""
        node = self.node(key, required=required)
        if node is None:
            return ()
        if not isinstance(node.value, dict) or len(node.value) > size_max:
            self.note(key, f"must be a mapping of at most {size_max} names", f"{key}: {{name: …}}")
            return ()
        if required and not node.value:
            self.note(key, "is empty", f"{key}: {{name: …}}")
        for name, item in node.value.items():
            if not pattern.fullmatch(name):
                self.problems.add(item.key_position, (*self.path, key), f"{quoted(name)} cannot be a name ({rule})")
        return [(name, node.value[name], (*self.path, key, name)) for name in sorted(node.value)]

    def plain(self, key: str) -> Any:
        """Any value, without positions: a recipe, a default."""
        node = self.node(key, required=False)
        return None if node is None else node.plain()


def as_number(value: Any) -> float | None:
    """The value as a finite float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def describe(value: Any) -> str:
    """What a wrong value is, for a message."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
    return quoted(value)
