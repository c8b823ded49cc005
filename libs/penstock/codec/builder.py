"""Fresh River objects from the recipes of a spec, with every seed and every depth explicit."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from river import compose

from penstock.codec import classes
from penstock.codec.arguments import Argument
from penstock.codec.buildables import BUILDABLES
from penstock.codec.checks import check_deterministic
from penstock.codec.ordered import NEEDS_ORDER, OrderedSet
from penstock.codec.recipes import Recipe, check_preprocess, check_recipe, parse
from penstock.codec.transformers import Pick


def build(recipe: Recipe, seed: int) -> Any:
    """A fresh River object.

    `recipe` is as `penstock.codec.recipes.check_recipe` says. Where a class takes a seed and none is given, it gets one
    derived from `seed` and its place in the recipe. Trees always get a `max_depth`.
    Raises: RecipeError for what is not in the list or beyond its limits; NotAllowed if the object would not be deterministic.

    >>> build({"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.02}}}, seed=1).optimizer.lr.learning_rate
    0.02
    """
    model = assemble_alone(recipe, seed)
    check_deterministic(model)
    return model


def build_pipeline(preprocess: Sequence[Mapping[str, Any]], learner: Recipe, seed: int) -> Any:
    """The model of a spec: a union of (selection | transformer) branches, piped to the learner.

    `preprocess` is a list of {"select": "numbers" | "strings" | [names], "then": recipe}; "numbers" takes every feature
    that is a number (a bool is one), "strings" every text. What no branch selects does not reach the learner. With an
    empty list the learner stands alone.

    A feature that is None must not reach the model, which would break on it: the caller leaves it out of `x`. An absent
    feature is skipped by every branch.
    Raises: RecipeError, NotAllowed.
    """
    check_recipe(learner, "learner", "learner")
    model = assemble(preprocess, learner, seed)
    check_deterministic(model)
    return model


def assemble_alone(recipe: Recipe, seed: int) -> Any:
    """As `build`, for an object whose determinism is not in question."""
    check_recipe(recipe)
    return _construct(recipe, seed, "")


def assemble(preprocess: Sequence[Mapping[str, Any]], learner: Recipe, seed: int) -> Any:
    """As `build_pipeline`, for a model whose determinism is not in question."""
    check_preprocess(preprocess)
    check_recipe(learner, None, "learner")
    model = _construct(learner, seed, "learner")
    if preprocess:
        branches = [_branch(item, seed, index) for index, item in enumerate(preprocess)]
        model = compose.Pipeline(("features", compose.TransformerUnion(*branches)), ("learner", model))
    return model


def _branch(item: Mapping[str, Any], seed: int, index: int) -> tuple[str, Any]:
    selection = _selection(item["select"])
    if item.get("then") is None:
        return f"branch{index}", selection
    transformer = _construct(item["then"], seed, f"preprocess[{index}]")
    return f"branch{index}", compose.Pipeline(("select", selection), ("then", transformer))


def _selection(select: str | Sequence[str]) -> Any:
    if select == "numbers":
        return compose.SelectType(float, int)  # numbers.Number means the same, and asks an abstract class about every feature
    return compose.SelectType(str) if select == "strings" else Pick(*select)


def _construct(recipe: Recipe, seed: int, path: str) -> Any:
    """Only ever called with a checked recipe."""
    name, given = parse(recipe)
    buildable = BUILDABLES[name]
    here = f"{path}/{name}"
    keywords = {key: _argument(buildable.arguments[key], value, seed, f"{here}.{key}") for key, value in given.items()}
    if "seed" in buildable.arguments:
        keywords.setdefault("seed", _derived_seed(seed, here))
    model = classes.river_class(name)(**{**buildable.always, **keywords})
    if type(model).__qualname__ in NEEDS_ORDER:
        model.classes = OrderedSet()
    return model


def _argument(argument: Argument, value: Any, seed: int, path: str) -> Any:
    if argument.many is not None:
        return [_construct(item, seed, f"{path}[{index}]") for index, item in enumerate(value)]
    if argument.group is not None and isinstance(value, str | Mapping):
        return _construct(value, seed, path)
    if argument.number is not None and not isinstance(value, str | None) and not (argument.whole and isinstance(value, int)):
        return float(value)  # so that 1 and 1.0 in a spec are one model
    return list(value) if argument.names and isinstance(value, Sequence) and not isinstance(value, str) else value


def _derived_seed(seed: int, path: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}:{path}".encode()).digest()[:4], "big")
