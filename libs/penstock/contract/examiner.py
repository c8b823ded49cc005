"""Everything that is wrong with an event, for the producer who can still change it."""

from collections.abc import Callable, Mapping
from typing import Any

from penstock.contract.contract import compile_checks
from penstock.contract.problems import Problem
from penstock.fold.protocol import Poison
from penstock.spec import Stream
from penstock.spec.field import REJECT
from penstock.spec.stream import EXTRA_FIELDS

Examiner = Callable[[int, Mapping[str, Any]], tuple[dict[str, Any], list[Problem]]]
"""From the number of an event in its request and its fields to what is kept of them, and every problem; the entity and the id as text."""


def compile_examiner(stream: Stream) -> Examiner:
    """A function that judges as the contract of the stream does, but goes on after a fault."""
    checks = compile_checks(stream)

    def examine(number: int, event: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        kept: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, check in checks:
            try:
                kept[name] = check(event.get(name))
            except Poison as poison:
                problems.append(Problem(number, name, poison.code, poison.reason))
        if stream.extra_fields == REJECT:
            extra = (name for name in event if name not in stream.fields)
            problems += (Problem(number, name, EXTRA_FIELDS, "the stream does not declare it") for name in extra)
        return kept, problems

    return examine
