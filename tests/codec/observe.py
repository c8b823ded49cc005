"""The schema of states, observed: `python -m tests.codec.observe` adds what the cases hold to `penstock.codec.attributes`."""

import functools
import inspect
import subprocess
import sys
import types
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from river import base, metrics, optim, stats
from river.tree.base import Branch, Leaf
from river.tree.splitter import Splitter

from penstock.codec import attributes, classes, kinds
from penstock.codec.allowed import DERIVED
from penstock.codec.buildables import BUILDABLES
from penstock.codec.distributions import is_unseeded_distribution
from penstock.codec.encoder import state_of
from tests.codec.cases import Case, step
from tests.codec.supported import CASES
from tests.codec.variants import variants

FILE = Path(attributes.__file__)
EVENTS, LOOK_EVERY = 600, 60
WIDTH = 118
ABSENT = "absent"
KIN = 3
WIDER = {"last_class": "$scalar|none", "bkg_model": "$learner|none", "nominal_attributes": "list|none", "p_value": "$number"}
Types = dict[str, dict[str, set[str]]]
GROUPS: Mapping[str, tuple[type[Any], ...]] = {
    "$detector": (base.DriftDetector, base.BinaryDriftDetector),
    "$initializer": (optim.initializers.Initializer,),
    "$learner": (base.Classifier, base.Regressor, base.AnomalyDetector, base.SupervisedAnomalyDetector),
    "$loss": (optim.losses.Loss,),
    "$metric": (metrics.base.Metric,),
    "$node": (Branch, Leaf),
    "$optimizer": (optim.base.Optimizer,),
    "$scheduler": (optim.base.Scheduler,),
    "$splitter": (Splitter,),
    "$statistic": (stats.base.Statistic,),
}


def objects_of(model: Any) -> Iterator[Any]:
    """Every object that a model holds, whether the list knows it or not."""
    found, seen = [model], {id(model)}
    for obj in found:
        yield obj
        for part in _parts(obj):
            if id(part) not in seen:
                seen.add(id(part))
                found.append(part)


def _parts(obj: Any) -> list[Any]:
    kind = kinds.kinds_by_type().get(type(obj))
    held = list(kind.parts(obj)) if kind is not None else list(obj) if isinstance(obj, tuple | frozenset) else []
    if isinstance(obj, functools.partial):
        held = [obj.func, *obj.args, *obj.keywords.values()]
    elif isinstance(obj, types.MethodType):
        held = [obj.__self__]
    elif kind is None and not isinstance(obj, tuple | frozenset | type | types.FunctionType | types.BuiltinFunctionType | np.generic):
        held = list(_attributes(obj).values())
    return [part for part in held if not isinstance(part, str | int | float | bytes | None)]


def _is_plain(obj: Any) -> bool:
    """Whether it is no object with attributes of River's or ours."""
    name = classes.name_of(type(obj))
    assert not name.startswith("river._river_rust") or type(obj) in kinds.kinds_by_type(), f"list the native class {name}"
    return type(obj) in kinds.kinds_by_type() or isinstance(obj, type) or not name.startswith(("river.", "penstock."))


def _attributes(obj: Any) -> dict[str, Any]:
    if _is_plain(obj):
        return {}
    name = classes.name_of(type(obj))
    left_out = {*DERIVED.get(name, {}), *(["_rng"] if is_unseeded_distribution(obj) else [])}
    return {attribute: value for attribute, value in state_of(obj).items() if attribute not in left_out}


def observed(case: Case, seen: Types) -> None:
    """Add the types in the states of one case to `seen`."""
    model = case.unchecked()
    for index, (x, y) in enumerate([*case.events(EVENTS), (None, None)]):
        if index % LOOK_EVERY == 0 or index < 3:
            for obj in objects_of(model):
                if not _is_plain(obj):
                    note_absent(seen[classes.name_of(type(obj))], _attributes(obj))
                for attribute, value in _attributes(obj).items():
                    seen[classes.name_of(type(obj))][attribute].add(_tag(value))
        if x is not None:
            step(model, x, y)


def _tag(value: Any) -> str:
    return _tag_of(type(value))


def _tag_of(cls: Any) -> str:
    return classes.type_tag(cls)


def note_absent(types_of: dict[str, set[str]], held: Mapping[str, Any]) -> None:
    """Mark the attributes that some instances have and others have not."""
    for attribute in [name for name in types_of if name not in held]:
        types_of[attribute].add(ABSENT)
    if types_of:
        for attribute in [name for name in held if name not in types_of]:
            types_of[attribute].add(ABSENT)


def _members(known: Mapping[str, Any]) -> dict[str, set[str]]:
    members = {group: set(words.split()) for group, words in attributes.GROUPS.items()}
    for name in known:
        cls = classes.class_named(name) if name in attributes.ATTRIBUTES else classes.resolve(name)
        for group, bases in GROUPS.items():
            if issubclass(cls, bases) and cls is not metrics.ConfusionMatrix:
                members.setdefault(group, set()).add(_tag_of(cls))
    members.setdefault("$learner", set()).add("pipeline.Pipeline")
    return members


def _declared(name: str, attribute: str) -> set[str]:
    """The types that a recipe may give to an attribute."""
    named = [each for public, each in BUILDABLES.items() if classes.name_of(classes.river_class(public)) == name]
    found = [each for each in named if attribute in each.arguments]
    if not found:
        return set(WIDER.get(attribute, "").split("|")) - {""}
    argument = found[0].arguments[attribute]
    kinds_of = {"$number": argument.number, "int": argument.whole, "bool": argument.flag, "list": argument.names, "none": argument.null}
    return {tag for tag, given in kinds_of.items() if given} | ({"str"} if argument.words or argument.name else set())


def _widened(name: str, attribute: str, tags: set[str], members: Mapping[str, set[str]]) -> set[str]:
    """The types that the attribute of a class new to the list may hold: those seen, and their kin where River takes any."""
    parameter = inspect.signature(classes.resolve(name)).parameters.get(attribute)
    wide = tags | _declared(name, attribute)
    if "float" in tags or "$number" in wide or ("int" in tags and parameter is None):
        wide = (wide - {"float", "int"}) | {"$number"}
    if parameter is not None:
        wide |= {"none"} if parameter.default is None else set()
        for group in GROUPS:
            if wide & members[group]:
                wide = (wide - members[group]) | {group}
    return wide


def schema(seen: Types) -> tuple[dict[str, str], dict[str, str]]:
    """The whole table: what stands in it already, and what was seen now."""
    members = _members({**attributes.ATTRIBUTES, **seen})
    table = {}
    for name in sorted({*attributes.ATTRIBUTES, *seen}):
        known = dict(word.split(":") for word in attributes.ATTRIBUTES.get(name, "").split())
        for attribute, found in seen.get(name, {}).items():
            tags = found - {ABSENT}
            if ABSENT in found and attribute in known:
                known[f"{attribute}?"] = known.pop(attribute)
            key = f"{attribute}?" if ABSENT in found or f"{attribute}?" in known else attribute
            before = set(known[key].split("|")) if key in known else set()
            fitting = {tag for word in before for tag in members.get(word, {word})}
            if name not in attributes.ATTRIBUTES:
                known[key] = "|".join(sorted(_widened(name, attribute, tags, members)))
            elif tags - fitting:
                known[key] = "|".join(sorted(before | (tags - fitting)))
        ordered = sorted(known, key=lambda word: word.rstrip("?"))
        table[name] = " ".join(f"{attribute}:{_short(known[attribute], members)}" for attribute in ordered)
    return table, {group: " ".join(sorted(words)) for group, words in sorted(members.items())}


def _short(tags: str, members: Mapping[str, set[str]]) -> str:
    """One word for many kin: an attribute that holds three classes of a group may hold them all."""
    short = set(tags.split("|"))
    for group in GROUPS:
        if len(short & members[group]) >= KIN:
            short = (short - members[group]) | {group}
    return "|".join(sorted(short))


def _literal(name: str, text: str) -> str:
    if len(name) + len(text) < WIDTH:
        return repr(text)
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) > WIDTH:
            lines.append(line)
            line = ""
        line += f"{word} "
    lines.append(line.rstrip())
    return "(" + " ".join(map(repr, lines)) + ")"


def write(table: Mapping[str, str], groups: Mapping[str, str]) -> None:
    """The module, formatted."""
    head = FILE.read_text().partition("ATTRIBUTES: ")[0]
    body = "".join(f"{name!r}: {_literal(name, text)},\n" for name, text in table.items())
    kin = "".join(f"{name!r}: {_literal(name, text)},\n" for name, text in groups.items())
    FILE.write_text(f"{head}ATTRIBUTES: Mapping[str, str] = {{\n{body}}}\nGROUPS: Mapping[str, str] = {{\n{kin}}}\n")
    subprocess.run([sys.executable, "-m", "ruff", "format", str(FILE)], check=True)


if __name__ == "__main__":
    everything: Types = defaultdict(lambda: defaultdict(set))
    for each in (*CASES, *variants(CASES)):
        try:
            observed(each, everything)
        except Exception as error:  # River's own, of a combination that does not work
            sys.stdout.write(f"{each.name}: {type(error).__name__}: {error}"[:200] + "\n")
    write(*schema(everything))
