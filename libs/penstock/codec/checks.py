"""What must hold of a model beyond its types: that it is deterministic, and that no number in it is NaN."""

import math
from typing import Any

import numpy as np

from penstock.codec import classes, native
from penstock.codec.arguments import NEVER
from penstock.codec.distributions import is_unseeded_distribution
from penstock.codec.encoder import Walk
from penstock.codec.errors import NotAllowed
from penstock.codec.ordered import NEEDS_ORDER

RECURSION_FREE_DEPTH_MAX = 64


def check_deterministic(model: object) -> None:
    """Refuse a model whose learning does not hang on its events alone.

    That is: a generator without a seed, a selection whose order is a set's, a tree without an explicit depth, or one
    that measures its memory.
    Raises: NotAllowed, also for what the codec does not know.
    """
    walk = Walk(model)
    walk.document()
    for number, obj in enumerate(walk.objects):
        reason = _why_not_deterministic(obj)
        if reason:
            raise NotAllowed(walk.path(number), reason)


def _why_not_deterministic(obj: Any) -> str | None:
    held = getattr(obj, "__dict__", {})
    if "seed" in held and held["seed"] is None and not is_unseeded_distribution(obj):
        return "has no seed; give it one, or build it with penstock.codec.build"
    if "memory_estimate_period" in held and held["memory_estimate_period"] < NEVER:
        return f"measures its memory, which no log determines; set memory_estimate_period={NEVER}"
    if "memory_estimate_period" in held and held["max_depth"] > RECURSION_FREE_DEPTH_MAX:
        return f"max_depth is {held['max_depth']} (River's default hangs on the recursion limit); set 1 to {RECURSION_FREE_DEPTH_MAX}"
    if type(obj).__qualname__ in NEEDS_ORDER and isinstance(obj.classes, set):
        return (
            f"{NEEDS_ORDER[type(obj).__qualname__]} a set of labels, whose order hangs on the hash seed; build it with penstock.codec.build"
        )
    if type(obj).__qualname__ == "Select" and len(obj.keys) > 1:
        return "selects in the order of a set; use penstock.codec.transformers.Pick"
    return None


def finite(model: object) -> bool:
    """Whether no float in the state is NaN: the invariant `finite`.

    Infinities are legal: River's minima, maxima and Page-Hinkley sums start with them.
    Raises: NotAllowed for what the codec does not know.
    """
    walk = Walk(model)
    nodes = walk.document().nodes
    return not any(map(_has_nan, nodes)) and not any(map(_holds_nan, walk.objects))


def _has_nan(value: Any) -> bool:
    return math.isnan(value) if type(value) is float else type(value) is list and any(map(_has_nan, value))


def _holds_nan(obj: Any) -> bool:
    """What the wire holds as bytes."""
    if isinstance(obj, np.ndarray):
        return bool(np.isnan(obj).any())
    return classes.name_of(type(obj)) in classes.rust_class_names() and any(map(math.isnan, native.numbers_in(obj)))
