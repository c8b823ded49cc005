"""The one allow-list: the exact classes, functions and methods that a model state, or a spec, may name."""

import functools
import importlib
import importlib.metadata
import types
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from penstock.codec.allowed import CALLABLES, COMPONENTS, DERIVED, METHODS, RUST_CLASSES
from penstock.codec.attributes import ATTRIBUTES, GROUPS
from penstock.codec.paths import shown


@dataclass(frozen=True, slots=True)
class Shape:
    """The attributes that instances of a class have: for each, the types that it may hold."""

    types: Mapping[str, frozenset[str]]
    optional: frozenset[str]
    derived: Mapping[str, Any]

    def problem(self, attribute: str, value: Any) -> str | None:
        """Why this attribute cannot hold this value, or None."""
        allowed = self.types.get(attribute)
        if allowed is None:
            return "unknown attribute"
        tag = type_tag(type(value))  # type: ignore[arg-type]  # every class is hashable
        return None if tag in allowed else f"a {tag}, expected {' or '.join(sorted(allowed))}"

    def missing(self, held: Container[str]) -> list[str]:
        """The attributes that every instance has and `held` has not."""
        return [name for name in self.types if name not in held and name not in self.optional]


class Unknown(LookupError):
    """A name or an object that is not in the list; the message is the reason."""


@cache
def shape_of(name: str) -> Shape:
    """The shape of a listed class.

    Raises: Unknown.
    """
    if name not in ATTRIBUTES:
        raise Unknown(f"class {name} is not in the list")
    words = [word.split(":") for word in ATTRIBUTES[name].split()]
    optional = frozenset(attribute[:-1] for attribute, _ in words if attribute.endswith("?"))
    return Shape({attribute.rstrip("?"): _expand(tags) for attribute, tags in words}, optional, DERIVED.get(name, {}))


def _expand(tags: str) -> frozenset[str]:
    return frozenset(tag for word in tags.split("|") for tag in (GROUPS[word].split() if word in GROUPS else [word]))


@cache
def type_tag(cls: type[Any]) -> str:
    """How `attributes.py` names a type: `float`, or module and class as in `mean.Mean`.

    >>> type_tag(float), type_tag(type(None))
    ('float', 'none')
    """
    if cls is type(None):
        return "none"
    if cls.__module__ in ("builtins", "collections", "functools", "random"):
        return cls.__name__
    return f"{cls.__module__.rpartition('.')[2]}.{cls.__qualname__}"


def name_of(cls: type[Any]) -> str:
    """The full name of a class."""
    return f"{cls.__module__}.{cls.__qualname__}"


@cache
def river_version() -> str:
    """The version of River that states are written by; a state of another one is refused."""
    return importlib.metadata.version("river")


def rust_class_names() -> tuple[str, ...]:
    """The native classes whose state is bytes."""
    return RUST_CLASSES


@cache
def class_named(name: str) -> type[Any]:
    """The listed class of this name.

    Raises: Unknown. Nothing is imported for a name that is not in the list.
    """
    if name not in ATTRIBUTES and name not in RUST_CLASSES and name not in COMPONENTS:
        raise Unknown(f"class {name:.100} is not in the list")
    found = resolve(name)
    assert isinstance(found, type)
    return found


@cache
def river_class(name: str) -> type[Any]:
    """The class that recipes call by this name, such as `optim.SGD`."""
    module, _, qualified = name.rpartition(".")
    found = getattr(importlib.import_module(f"river.{module}"), qualified)
    assert isinstance(found, type)
    return found


def callable_named(name: Any) -> Any:
    """The listed class, function or partial of this name.

    Raises: Unknown.
    """
    found = _callables().get(name) if type(name) is str else None
    if found is None:
        raise Unknown(f"callable {name!r:.100} is not in the list")
    return found


def callable_name(value: Any) -> str:
    """The name of a listed class, function or partial.

    Raises: Unknown, for instance for a lambda or a local function.
    """
    name = _callable_names().get(_identity(value))
    if name is None:
        raise Unknown(f"{shown(value)} is not in the list of functions")
    return name


def is_listed(value: Any) -> bool:
    """Whether a function, class or partial has a name in the list."""
    try:
        return _identity(value) in _callable_names()
    except TypeError:  # a partial over something that does not hash
        return False


def bind(owner: object, name: Any) -> types.MethodType:
    """The listed method of this name, bound to `owner`, which must be of exactly its class.

    Raises: Unknown.
    """
    if type(name) is not str or name not in METHODS or name.rpartition(".")[0] != name_of(type(owner)):
        raise Unknown(f"method {name!r:.100} is not in the list")
    return types.MethodType(resolve(name), owner)


def method_name(method: types.MethodType) -> str:
    """The name of a listed bound method.

    Raises: Unknown.
    """
    name = f"{name_of(type(method.__self__))}.{method.__name__}"
    if name not in METHODS or method.__func__ is not resolve(name):
        raise Unknown(f"method {name} is not in the list")
    return name


@cache
def resolve(name: str) -> Any:
    """What stands under a full name; only ever called with names of the list."""
    parts = name.split(".")
    depth = next((index for index, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return functools.reduce(getattr, parts[depth:], importlib.import_module(".".join(parts[:depth])))


@cache
def _callables() -> Mapping[str, Any]:
    return {name: _callable(name) for name in CALLABLES}


def _callable(name: str) -> Any:
    function, bracket, argument = name.rstrip(")").partition("(")
    return functools.partial(resolve(function), resolve(argument)) if bracket else resolve(function)


@cache
def _callable_names() -> Mapping[Any, str]:
    return {_identity(value): name for name, value in _callables().items()}


def _identity(value: Any) -> Any:
    """Partials are equal by what they call; every call of `functools.partial` makes another object."""
    if type(value) is functools.partial and not value.keywords:
        return ("partial", value.func, value.args)
    return value
