"""The one allow-list: the exact classes, functions and methods that a model state, or a spec, may name."""

import ast
import functools
import importlib
import importlib.metadata
import types
from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from penstock.codec.attributes import ATTRIBUTES, GROUPS
from penstock.codec.paths import shown

RUST_CLASSES = ("river._river_rust.drift.AdaptiveWindowing",)

# What stands in a state as a factory, a type or a slot. A name with brackets is functools.partial with one argument.
CALLABLES = (
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.set",
    "builtins.str",
    "builtins.tuple((0.0, 1.0))",
    "collections.defaultdict",
    "collections.defaultdict(builtins.float)",
    "collections.defaultdict(river.naive_bayes.gaussian.GaussianNB._make_gaussian)",
    "river.stats.maximum.Max",
    "river.stats.minimum.Min",
    "river.naive_bayes.gaussian.GaussianNB._make_gaussian",
    "river.tree.splitter.ebst_splitter.EBSTNode._update_estimator_univariate",
    "river.tree.splitter.nominal_splitter_reg.NominalSplitterReg._update_estimator_univariate",
)

METHODS = (
    "river.drift.page_hinkley.PageHinkley._test_both",
    "river.drift.page_hinkley.PageHinkley._test_decrease",
    "river.drift.page_hinkley.PageHinkley._test_increase",
)

# Left out of the bytes and made anew on reading. The plan of a pipeline is a cache of its steps: River builds it at
# the first call, so a state with it would differ before and after a mere prediction.
DERIVED: Mapping[str, Mapping[str, Any]] = {
    "river.compose.pipeline.Pipeline": {"_plan": None, "_inference_transformers": (), "_last_step_cached": None, "_last_step_params": {}},
}


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
    if name not in ATTRIBUTES and name not in RUST_CLASSES:
        raise Unknown(f"class {name:.100} is not in the list")
    found = _resolve(name)
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


def bind(owner: object, name: Any) -> types.MethodType:
    """The listed method of this name, bound to `owner`, which must be of exactly its class.

    Raises: Unknown.
    """
    if type(name) is not str or name not in METHODS or name.rpartition(".")[0] != name_of(type(owner)):
        raise Unknown(f"method {name!r:.100} is not in the list")
    return types.MethodType(_resolve(name), owner)


def method_name(method: types.MethodType) -> str:
    """The name of a listed bound method.

    Raises: Unknown.
    """
    name = f"{name_of(type(method.__self__))}.{method.__name__}"
    if name not in METHODS or method.__func__ is not _resolve(name):
        raise Unknown(f"method {name} is not in the list")
    return name


@cache
def _resolve(name: str) -> Any:
    parts = name.split(".")
    depth = next((index for index, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return functools.reduce(getattr, parts[depth:], importlib.import_module(".".join(parts[:depth])))


@cache
def _callables() -> Mapping[str, Any]:
    return {name: _callable(name) for name in CALLABLES}


def _callable(name: str) -> Any:
    function, bracket, argument = name.rstrip(")").partition("(")
    if argument.startswith("("):
        return functools.partial(_resolve(function), ast.literal_eval(f"{argument})"))
    return functools.partial(_resolve(function), _resolve(argument)) if bracket else _resolve(function)


@cache
def _callable_names() -> Mapping[Any, str]:
    return {_identity(value): name for name, value in _callables().items()}


def _identity(value: Any) -> Any:
    """Partials are equal by what they call; every call of `functools.partial` makes another object."""
    if type(value) is functools.partial and not value.keywords:
        return ("partial", value.func, value.args)
    return value
