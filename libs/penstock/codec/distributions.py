"""The generators inside River's distributions, which no learning uses."""

import random
from typing import Any

from river.proba.base import Distribution


def is_unseeded_distribution(obj: Any) -> bool:
    """Whether an object is a distribution without a seed: its generator serves only `sample()` and is left out.

    A tree holds thousands of them, with 2.5 kB of generator each.
    """
    return isinstance(obj, Distribution) and getattr(obj, "seed", None) is None


def fresh_generator() -> random.Random:
    """One generator for all unseeded distributions of a document: making one costs more than the distribution."""
    return random.Random(0)  # noqa: S311 - not for secrets
