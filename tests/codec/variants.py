"""Every other value of every argument, one at a time: what a recipe may say, the list must know."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from penstock.codec.arguments import Argument
from penstock.codec.buildables import BUILDABLES, belongs
from penstock.codec.recipes import parse
from tests.codec.cases import Case

TWO = 2


def variants(cases: list[Case]) -> Iterator[Case]:
    """For the first case of each class, a case for each value of each flag and word, and for each class of each group that it takes."""
    seen: set[str] = set()
    for case in cases:
        if case.class_name not in seen:
            seen.add(case.class_name)
            yield from _of(case)


def _of(case: Case) -> Iterator[Case]:
    name, given = parse(case.about)
    for keyword, argument in BUILDABLES[name].arguments.items():
        for value in _values(argument):
            if given.get(keyword) != value:
                yield _changed(case, {name: {**given, keyword: value}}, f"{keyword}={parse(value)[0] if argument.group else value}")


def _changed(case: Case, about: Any, what: str) -> Case:
    steps = [{**step, "then": about} if step.get("then") == case.about else step for step in case.preprocess]
    learner = about if case.subject is None else _put(case.learner, case.about, about)
    return replace(case, name=f"{case.name} {what}", learner=learner, preprocess=steps, subject=about if case.subject else None)


def _put(whole: Any, old: Any, new: Any) -> Any:
    if whole == old:
        return new
    return {key: _put(value, old, new) for key, value in whole.items()} if isinstance(whole, dict) else whole


def _values(argument: Argument) -> Iterator[Any]:
    if argument.refused is None and argument.many is None:
        yield from argument.words
        yield from (True, False) if argument.flag else ()
        if argument.group is not None and argument.group not in ("classifier", "regressor", "anomaly detector", "metric"):
            yield from (name for name, each in BUILDABLES.items() if belongs(each, argument.group) and not each.required)
