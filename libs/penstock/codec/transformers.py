"""Transformers that River lacks, in River's own shape."""

from typing import Any

from river import base


class Pick(base.Transformer):  # type: ignore[misc]  # River is not typed to us
    """The named features that are present, in the order of the names.

    `compose.Select` keeps its names in a set, so the order of its output (and of every float sum behind it)
    depends on the hash seed, and it raises for a feature that is absent.

    >>> Pick("b", "a", "z").transform_one({"a": 1, "b": 2, "c": 3})
    {'b': 2, 'a': 1}
    """

    def __init__(self, *names: str) -> None:
        self.names = names

    def transform_one(self, x: dict[Any, Any]) -> dict[Any, Any]:
        """The picked part of `x`."""
        return {name: x[name] for name in self.names if name in x}
