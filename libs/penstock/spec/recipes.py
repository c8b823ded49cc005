"""Recipes of learners, detectors and transformers: checked against the codec's list, with their place in the file."""

from collections.abc import Callable
from functools import partial
from typing import Any

from penstock.errors import PenstockError
from penstock.spec.document import Node, parse_yaml
from penstock.spec.errors import Path, Problems
from penstock.spec.specification import Spec
from penstock.tasks import TASKS, Task


def check_learners(spec: Spec, text: str = "", source: str = "penstock.yaml") -> None:
    """Build every learner and detector of a specification once; slow the first time, for River is imported.

    `text` is the file, for lines and columns. `load` has checked names and limits already; here River has the last word.
    Raises: SpecError with all problems.
    """
    problems = Problems(source)
    root = (parse_yaml(text, Problems(source)) if text else None) or Node(None)
    for name, model in spec.models.items():
        for learner, recipe in model.learners.items():
            path: Path = ("models", name, "learners", learner)
            _try(partial(_build_learner, TASKS[model.task], model.preprocess, recipe), root, path, problems)
        for index, detector in enumerate(model.detectors):
            path = ("models", name, "drift", "detectors", index, "use")
            _try(partial(_build, detector.use), root, path, problems)
    problems.raise_if_any()


def _try(build: Callable[[], None], root: Node, path: Path, problems: Problems) -> None:
    try:
        build()
    except (PenstockError, TypeError, ValueError) as error:  # the last two: River's refusals
        problems.add(root.find(path).position, path, str(error))


def _build(recipe: Any) -> None:
    from penstock.codec import build  # noqa: PLC0415 (River takes a second to import)

    build(recipe, seed=0)


def _build_learner(task: Task, preprocess: Any, recipe: Any) -> None:
    from penstock.codec import build, build_pipeline  # noqa: PLC0415 (River takes a second to import)

    build_pipeline(preprocess, recipe, seed=0)
    if not task.fits(build(recipe, seed=0)):
        raise ValueError(f"is not {task.learners}, and the task is {task.name}. Try: {task.example}")
