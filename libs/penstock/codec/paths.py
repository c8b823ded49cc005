"""Where in a model a message points to."""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

STEPS_MAX = 24

Label: TypeAlias = str | int | None  # an attribute, the index of a part, or the node itself


def format_path(origins: Sequence[tuple[int, Label]], node: int, label: Label, name_part: Callable[[int, int], str]) -> str:
    """The way from the root to a label at a node.

    `origins` holds each node's first referrer and the label there; `name_part` names the part of a node at an index.
    Names are made here, when something is refused, and not while walking, where most would go unread.

    >>> format_path([(0, None), (0, "optimizer")], 1, 3, lambda node, index: f"[{index}]")
    'model.optimizer[3]'
    """
    steps: list[str] = []
    while len(steps) < STEPS_MAX:
        steps.append(name_part(node, label) if isinstance(label, int) else f".{label}" if label else "")
        if node == 0:
            break
        node, label = origins[node]
    return "".join(["model" if node == 0 else "…", *reversed(steps)])


def shown(value: Any) -> str:
    """A value as a message shows it, cut short; Python refuses to print the largest whole numbers."""
    try:
        return f"{value!r:.60}"
    except ValueError:
        return f"<{type(value).__name__}>"
