"""A state against its declaration: the parameters in it must be those that the specification gave."""

import inspect
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from penstock.codec import classes
from penstock.codec.arguments import Argument
from penstock.codec.attributes import ATTRIBUTES
from penstock.codec.buildables import BUILDABLES
from penstock.codec.decoder import decode
from penstock.codec.encoder import Walk
from penstock.codec.errors import NotDeclared
from penstock.codec.paths import shown
from penstock.codec.wire import DEFAULT_LIMITS, Limits

# Parameters that River writes over as it learns; the limits of recipes hold for them all the same.
LEARNED: Mapping[str, tuple[str, ...]] = {
    "river.anomaly.hst.HalfSpaceTrees": ("limits",),
    "river.facto.fm.FMClassifier": ("intercept",),
    "river.facto.fm.FMRegressor": ("intercept",),
    "river.forest.adaptive_random_forest.ARFClassifier": ("max_features",),
    "river.forest.adaptive_random_forest.ARFRegressor": ("max_features",),
}
HELD_AS = {"models": "data"}  # River's ensembles are lists of their own
SCALARS = (str, int, float, bool, type(None), bytes)


def decode_as(data: bytes, declared: Any, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The model of these bytes, if its parameters are those of `declared`, a model freshly built from the declared recipe.

    Bytes of the right types could else hold `n_components=10**9`, and the first event would never end. Compared are all parameters
    that a constructor takes, from the root through everything that it was given; copies that a model made of its parts later must
    keep the limits that recipes have.
    Raises: StateError: NotDeclared for other parameters, and what `decode` raises.
    """
    model = decode(data, limits)
    check_declared(model, declared)
    return model


def check_declared(model: Any, declared: Any) -> None:
    """Refuse a model whose parameters differ from those of `declared`.

    Raises: NotDeclared, with the path to the first that differs.
    """
    seen: set[tuple[int, int]] = set()
    pairs = [("model", declared, model)]
    for path, wanted, found in pairs:  # grows while we walk
        if isinstance(wanted, SCALARS) or (id(wanted), id(found)) not in seen:
            seen.add((id(wanted), id(found)))
            pairs.extend(_differences(path, wanted, found))
    walk = Walk(model)
    walk.document()
    for number, obj in enumerate(walk.objects):
        _check_limits(walk, number, obj)


def _differences(path: str, wanted: Any, found: Any) -> Iterator[tuple[str, Any, Any]]:
    """The parts of two values that are to be compared next, after these were."""
    if type(found) is not type(wanted):
        raise NotDeclared(path, f"is a {type(found).__name__}, the recipe gives a {type(wanted).__name__}")
    if isinstance(wanted, SCALARS):
        if found != wanted:
            raise NotDeclared(path, f"is {shown(found)}, the recipe gives {shown(wanted)}")
    elif isinstance(wanted, Mapping):
        yield from _entries(path, wanted, found)
    elif isinstance(wanted, list | tuple):
        if len(found) != len(wanted):
            raise NotDeclared(path, f"has {len(found)} parts, the recipe gives {len(wanted)}")
        yield from ((f"{path}[{index}]", *pair) for index, pair in enumerate(zip(wanted, found, strict=True)))
    elif classes.name_of(type(wanted)) in ATTRIBUTES:
        names = parameters(type(wanted))  # type: ignore[arg-type]  # every class is hashable
        yield from ((f"{path}.{name}", getattr(wanted, name), getattr(found, name)) for name in names)


def _entries(path: str, wanted: Mapping[Any, Any], found: Mapping[Any, Any]) -> Iterator[tuple[str, Any, Any]]:
    if list(found) != list(wanted):
        raise NotDeclared(path, f"has the parts {shown(list(found))}, the recipe gives {shown(list(wanted))}")
    yield from ((f"{path}[{shown(key)}]", wanted[key], found[key]) for key in wanted)


@cache
def parameters(cls: type[Any]) -> tuple[str, ...]:
    """The attributes of a listed class that its constructor is given, and that stay as they were given."""
    name = classes.name_of(cls)
    held = classes.shape_of(name).types
    given = [HELD_AS.get(each, each) for each in inspect.signature(cls).parameters]
    return tuple(each for each in given if each in held and each not in LEARNED.get(name, ()))


def _check_limits(walk: Walk, number: int, obj: Any) -> None:
    for name, (low, high) in _limits(type(obj)).items():  # type: ignore[arg-type]  # every class is hashable
        value = getattr(obj, name)
        if type(value) in (int, float) and not low <= value <= high:
            raise NotDeclared(f"{walk.path(number)}.{name}", f"is {shown(value)}, a recipe may give {low:g} to {high:g}")


@cache
def _limits(cls: type[Any]) -> Mapping[str, tuple[float, float]]:
    """The widest range of each parameter that is a number, for a class that recipes may name."""
    public = _public_names().get(classes.name_of(cls))
    if public is None:
        return {}
    arguments = BUILDABLES[public].arguments
    names = (*parameters(cls), *LEARNED.get(classes.name_of(cls), ()))  # type: ignore[arg-type]  # every class is hashable
    return {name: _range(arguments[name]) for name in names if name in arguments and (arguments[name].whole or arguments[name].number)}


def _range(argument: Argument) -> tuple[float, float]:
    ranges = [limits for limits in (argument.whole, argument.number) if limits is not None]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


@cache
def _public_names() -> Mapping[str, str]:
    return {classes.name_of(classes.river_class(name)): name for name in BUILDABLES}
