"""What an argument of a recipe may be: its kind and its limits; River is not needed to read this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 20  # River's default hangs on the recursion limit of the process
NEVER = 2**62  # see `penstock.codec.buildables.trees`


@dataclass(frozen=True, slots=True)
class Argument:
    """What one argument accepts: a number or whole number in [low, high], a flag, one of some words, names, or recipes of a group."""

    number: tuple[float, float] | None = None
    whole: tuple[int, int] | None = None
    flag: bool = False
    words: tuple[str, ...] = ()
    names: bool = False
    name: bool = False
    null: bool = False
    group: str | None = None
    many: tuple[int, int] | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Buildable:
    """A class that a recipe may name: its group, its single positional argument, its arguments, what is always set, what must be given."""

    group: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    positional: str | None = None
    always: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()


def number(low: float = -1e12, high: float = 1e12) -> Argument:
    """A number in [low, high]."""
    return Argument(number=(low, high))


def whole(low: int, high: int) -> Argument:
    """A whole number in [low, high]."""
    return Argument(whole=(low, high))


def words(*allowed: str) -> Argument:
    """One of some words."""
    return Argument(words=allowed)


def recipe(group: str) -> Argument:
    """A recipe of a group."""
    return Argument(group=group)


def recipes(group: str, low: int = 2, high: int = 10) -> Argument:
    """A list of `low` to `high` recipes of a group."""
    return Argument(group=group, many=(low, high))


def refused(reason: str) -> Argument:
    """An argument of River's that no recipe may give."""
    return Argument(refused=reason)


FLAG = Argument(flag=True)
SHARE = number(0.0, 1.0)
POSITIVE = number(0.0, 1e12)
RATE = Argument(number=(0.0, 1e6), group="scheduler")
SEED = whole(0, 2**32 - 1)
MODELS = whole(1, 100)
EVENTS = whole(1, 1_000_000)
NO_WINDOW = Argument(null=True, refused="windows are not supported yet; leave it out")
MEMORY = refused("a limit by measured memory is not deterministic; limit max_depth")
NO_FUNCTION = refused("a function cannot stand in a spec; leave it out")
NOT_THIS = refused("it stays as River sets it; leave it out")
