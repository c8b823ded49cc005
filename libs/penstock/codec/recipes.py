"""Recipes in a spec: checked completely, and without River, before anything is built."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from penstock.codec.arguments import Argument, Buildable
from penstock.codec.buildables import BUILDABLES, belongs
from penstock.codec.buildables.refused import REFUSED
from penstock.codec.errors import RecipeError

Recipe: TypeAlias = str | Mapping[str, Any]


def check_recipe(recipe: Any, group: str | None = None, path: str = "") -> None:
    """Refuse a recipe that cannot be built.

    A recipe is a class path below `river.`, or a mapping of one such path to its arguments: a mapping of keywords
    (whose values may be recipes), a scalar for the single positional argument, or null. `group` restricts the class
    ("learner", "transformer", "detector", "metric", …); `path` begins the path in messages.
    Raises: RecipeError, which names the nearest known name, or says why a class of River's cannot be proved.
    """
    name, keywords = parse(recipe, path)
    buildable = BUILDABLES[name]
    if group is not None and not belongs(buildable, group):
        known = sorted(key for key, value in BUILDABLES.items() if belongs(value, group))
        raise RecipeError(_join(path, name), f"is a {buildable.group}, expected a {group}. Try: {', '.join(known)}")
    for keyword, value in keywords.items():
        _check_argument(buildable, keyword, value, _join(path, name))
    for keyword in buildable.required:
        if keyword not in keywords:
            raise RecipeError(_join(path, name), f"needs {keyword}, {_kind_of(buildable.arguments[keyword])}")


def parse(recipe: Any, path: str = "") -> tuple[str, dict[str, Any]]:
    """The class path and the keyword arguments of a recipe, unchecked.

    Raises: RecipeError for a wrong shape or an unknown class.
    """
    if isinstance(recipe, Mapping):
        if len(recipe) != 1:
            raise RecipeError(path, f"a recipe names exactly one class, this one {len(recipe)}. Try: {{optim.SGD: 0.02}}")
        ((name, arguments),) = recipe.items()
    else:
        name, arguments = recipe, None
    if isinstance(name, str) and name in REFUSED:
        raise RecipeError(path, f"{name} is refused: {REFUSED[name]}")
    if not isinstance(name, str) or name not in BUILDABLES:
        raise RecipeError(path, f"class {name!r:.100} is not in the list{_nearest(name, BUILDABLES)}")
    positional = BUILDABLES[name].positional
    if arguments is None or (isinstance(arguments, Mapping) and not (positional and _is_recipe(arguments))):
        return name, dict(arguments or {})
    if positional is None:
        raise RecipeError(_join(path, name), f"takes keyword arguments only. Try: {{{name}: {{name: value}}}}")
    return name, {positional: arguments}


def _is_recipe(arguments: Mapping[Any, Any]) -> bool:
    """Whether this names a class, and no keywords: `{ensemble.BaggingClassifier: {naive_bayes.GaussianNB: null}}`."""
    return len(arguments) == 1 and all(isinstance(key, str) and "." in key for key in arguments)


def check_preprocess(preprocess: Any, path: str = "preprocess") -> None:
    """Refuse a `preprocess` list that cannot be built: items are {"select": "numbers" | "strings" | [names], "then": recipe}.

    Raises: RecipeError.
    """
    if not isinstance(preprocess, Sequence) or isinstance(preprocess, str):
        raise RecipeError(path, "must be a list. Try: [{select: numbers, then: preprocessing.StandardScaler}]")
    for index, item in enumerate(preprocess):
        _check_branch(item, f"{path}[{index}]")


def _check_branch(item: Any, path: str) -> None:
    if not isinstance(item, Mapping) or "select" not in item:
        raise RecipeError(path, "needs a select. Try: {select: numbers, then: preprocessing.StandardScaler}")
    for key in item:
        if key not in ("select", "then"):
            raise RecipeError(path, f"{key!r:.100} is unknown (select, then)")
    if item["select"] not in ("numbers", "strings") and not _is_names(item["select"]):
        raise RecipeError(f"{path}.select", f"{item['select']!r:.100} is unknown (numbers, strings, or a list of feature names)")
    if item.get("then") is not None:
        check_recipe(item["then"], "transformer", f"{path}.then")


def _check_argument(buildable: Buildable, keyword: Any, value: Any, path: str) -> None:
    argument = buildable.arguments.get(keyword)
    if argument is None:
        raise RecipeError(path, f"argument {keyword!r:.100} is unknown{_nearest(keyword, buildable.arguments)}")
    path = f"{path}.{keyword}"
    if value is None and argument.null:
        return
    if argument.refused is not None:
        raise RecipeError(path, argument.refused)
    if argument.many is not None:
        _check_recipes(argument, value, path)
    elif argument.group is not None and not _is_scalar_for(argument, value):
        check_recipe(value, argument.group, path)
    elif not _accepts(argument, value):
        raise RecipeError(path, f"{value!r:.100} is not {_kind_of(argument)}")


def _check_recipes(argument: Argument, value: Any, path: str) -> None:
    assert argument.many is not None
    low, high = argument.many
    if not isinstance(value, Sequence) or isinstance(value, str) or not low <= len(value) <= high:
        raise RecipeError(path, f"{value!r:.100} is not {_kind_of(argument)}")
    for index, item in enumerate(value):
        check_recipe(item, argument.group, f"{path}[{index}]")


def _is_scalar_for(argument: Argument, value: Any) -> bool:
    return argument.number is not None and not isinstance(value, str | Mapping)


def _accepts(argument: Argument, value: Any) -> bool:
    if isinstance(value, bool):
        return argument.flag
    if isinstance(value, str):
        return value in argument.words or (argument.name and bool(value))
    if isinstance(value, int | float):
        ranges = (argument.number, argument.whole if isinstance(value, int) else None)
        return any(limits is not None and limits[0] <= value <= limits[1] for limits in ranges)
    return argument.names and _is_names(value)


def _kind_of(argument: Argument) -> str:
    return " or ".join(_accepted(argument))


def _accepted(argument: Argument) -> Iterator[str]:
    if argument.many is not None:
        yield f"a list of {argument.many[0]} to {argument.many[1]} recipes of a {argument.group}"
    elif argument.group is not None:
        yield f"a recipe of a {argument.group}"
    if argument.flag:
        yield "true or false"
    if argument.words:
        yield f"one of {', '.join(argument.words)}"
    if argument.number is not None:
        yield f"a number from {argument.number[0]:g} to {argument.number[1]:g}"
    if argument.whole is not None:
        yield f"a whole number from {argument.whole[0]} to {argument.whole[1]}"
    if argument.name:
        yield "a feature name"
    if argument.names:
        yield "a list of feature names"


def _is_names(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and bool(value) and all(isinstance(name, str) for name in value)


def _nearest(name: Any, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
    return f". Did you mean {close[0]}?" if close else f" ({', '.join(known) or 'it takes none'})"


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
