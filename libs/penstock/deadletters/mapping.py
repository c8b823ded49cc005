"""A small declared change of events on their way back: rename, cast, default."""

from collections import Counter
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
    >>> mapping.apply({"temp": "21.5", "at": 7})
    {'warmth': 21.5, 'at': 7, 'site': 'north'}
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

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

    def apply(self, fields: ReadOnly[str, Any]) -> dict[str, Any]:
        """The fields with the changes made. Raises: Unmappable where two would have one name."""
        return self._defaulted(self._casted(self._renamed(fields)))

    def _renamed(self, fields: ReadOnly[str, Any]) -> dict[str, Any]:
        names = Counter(self.rename.get(name, name) for name in fields)
        if twice := [name for name, count in names.items() if count > 1]:
            raise Unmappable(f"two fields would be its {', '.join(twice)}")
        return dict(zip(names, fields.values(), strict=True))

    def _casted(self, fields: ReadOnly[str, Any]) -> dict[str, Any]:
        return {name: _cast(value, self.cast[name]) if name in self.cast else value for name, value in fields.items()}

    def _defaulted(self, fields: ReadOnly[str, Any]) -> dict[str, Any]:
        absent = {name: value for name, value in self.default.items() if fields.get(name) is None}
        return {**fields, **absent}


def _cast(value: Any, type: Type) -> Any:
    """What does not fit stays as it is, for the contract to refuse."""
    match value:
        case bool():
            return str(value).lower() if type == "string" else value
        case int() | float() | str():
            read = parse_value(str(value), type)
            return value if isinstance(read, str) and type != "string" else read
    return value
