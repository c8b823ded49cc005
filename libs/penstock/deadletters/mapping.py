"""A small declared change of JSON events on their way back: rename, cast, default."""

import json
from collections.abc import Mapping as ReadOnly
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from penstock.errors import PenstockError, UsageError
from penstock.spec.document import parse_yaml
from penstock.spec.errors import Problems
from penstock.spec.values import parse_value

Type = Literal["string", "double", "long", "boolean", "timestamp"]
Value = str | int | float | bool


class Unmappable(PenstockError):
    """An event that the mapping does not fit; the message holds no value of it."""


class Mapping(BaseModel):
    """What to change, in this order: names, then types, then what is absent or null.

    >>> mapping = Mapping(rename={"temp": "warmth"}, cast={"warmth": "double"}, default={"site": "north"})
    >>> mapping.apply(b'{"temp": "21.5", "at": 7}')
    b'{"warmth":21.5,"at":7,"site":"north"}'
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rename: dict[str, str] = Field(default_factory=dict)
    cast: dict[str, Type] = Field(default_factory=dict)
    default: dict[str, Value] = Field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The mapping in a YAML file. Raises: UsageError."""
        problems = Problems(str(path))
        try:
            node = parse_yaml(path.read_text(encoding="utf-8"), problems)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from error
        problems.raise_if_any()
        return cls.checked(node.plain() if node else None, str(path))

    @classmethod
    def checked(cls, given: Any, source: str) -> Self:
        """The mapping for plain values. Raises: UsageError that names what is wrong in `source`."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'the mapping'}: {each['msg']}" for each in error.errors())
            raise UsageError(f"{source}: {wrong}. Try: {{rename: {{old: new}}, cast: {{field: double}}, default: {{field: 0}}}}") from None

    def __bool__(self) -> bool:
        return bool(self.rename or self.cast or self.default)

    def apply(self, value: bytes | None) -> bytes:
        """The event with the changes made; its very bytes where there is nothing to change. Raises: Unmappable."""
        fields = _fields(value)
        changed = self._defaulted(self._casted(self._renamed(fields)))
        assert value is not None
        same = changed == fields and [*map(type, changed.values())] == [*map(type, fields.values())]
        return value if same else json.dumps(changed, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")

    def _renamed(self, fields: ReadOnly[str, Any]) -> dict[str, Any]:
        taken = [new for old, new in self.rename.items() if old in fields and new in fields]
        if taken:
            raise Unmappable(f"it has {', '.join(taken)} already")
        return {self.rename.get(name, name): value for name, value in fields.items()}

    def _casted(self, fields: ReadOnly[str, Any]) -> dict[str, Any]:
        return {name: _cast(value, self.cast[name]) if name in self.cast else value for name, value in fields.items()}

    def _defaulted(self, fields: ReadOnly[str, Any]) -> dict[str, Any]:
        absent = {name: value for name, value in self.default.items() if fields.get(name) is None}
        return {**fields, **absent}


def _fields(value: bytes | None) -> dict[str, Any]:
    try:
        fields = json.loads(value or b"", object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Unmappable("it is no JSON") from None
    if not isinstance(fields, dict):
        raise Unmappable("it is no JSON object")
    return fields


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def _cast(value: Any, type: Type) -> Any:
    """What does not fit stays as it is, for the contract to refuse."""
    match value:
        case bool():
            return str(value).lower() if type == "string" else value
        case int() | float() | str():
            return parse_value(str(value), type)
    return value
