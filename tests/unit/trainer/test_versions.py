"""Law V in the trainer: a version that fails on a record is put back, goes on without it, and retires when it fails too often."""

import json
from typing import Any

import pytest

from penstock import codec
from penstock_trainer.checkpoints import CheckpointMade
from penstock_trainer.cohort import Cohort
from penstock_trainer.fold import TrainerFold, model_of
from tests.learning_log import SPEC, LearningLog

SCALES_TEXT = [{"select": ["a", "c"], "then": "preprocessing.StandardScaler"}]  # it cannot: a text raises inside River


async def a_log(*, labels_text: bool, questions: int = 60, retire_after_errors: int = 1_000) -> LearningLog:
    log = await LearningLog.new()
    log.spec(preprocess=SCALES_TEXT, retire_after_errors=retire_after_errors)
    log.serve(1, 1)
    for number in range(questions):
        is_text = number % 10 == 7
        features: dict[str, Any] = {"a": float(number % 5), "c": "text" if is_text else None}
        log.ask(f"q{number}", number, **features)
        if labels_text or not is_text:
            log.label(f"q{number}", number + 0.5, number % 5 > 2)
    return log


def folded(log: LearningLog) -> tuple[TrainerFold, list[CheckpointMade]]:
    fold = log.fold()
    made = [each for record in log.records for each in fold.step(record)]
    return fold, [each for each in made if isinstance(each, CheckpointMade)]


async def test_a_label_that_a_learner_fails_on_leaves_no_trace_in_it() -> None:
    broken, _ = folded(await a_log(labels_text=True))
    whole, _ = folded(await a_log(labels_text=False))
    assert codec.encode(broken.cohort.versions[1].learner) == codec.encode(whole.cohort.versions[1].learner)
    version = broken.cohort.versions[1]
    assert (version.learned, version.skipped, version.errors) == (54, 6, 6)
    assert broken.counts["labelled"] == version.learned + version.skipped
    assert version.labels == 60


class Raising:
    """A learner for which the process has no room."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def predict_proba_one(self, x: dict[str, Any]) -> dict[bool, float]:
        raise self._error

    def learn_one(self, x: dict[str, Any], y: bool) -> None:
        raise self._error


@pytest.mark.parametrize("fatal", [MemoryError, RecursionError, KeyboardInterrupt])
def test_what_says_nothing_about_the_record_is_not_skipped(fatal: type[BaseException]) -> None:
    version = Cohort().born(model_of("m", json.dumps(SPEC)), "sgd", 0, "spec:1", 0)
    version.learner = Raising(fatal())
    with pytest.raises(fatal):
        version.predict({"a": 1.0})
    with pytest.raises(fatal):
        version.learn({"a": 1.0}, True)
    assert (version.skipped, version.errors) == (0, 0)


async def test_where_the_mark_stands_changes_nothing() -> None:
    log = await a_log(labels_text=True)
    whole, _ = folded(log)
    fold = log.fold()
    for record in log.records:
        fold.step(record)
        fold.snapshot()  # moves the mark
    assert codec.encode(fold.cohort.versions[1].learner) == codec.encode(whole.cohort.versions[1].learner)


async def test_a_version_that_fails_too_often_retires_and_its_last_state_is_kept() -> None:
    fold, made = folded(await a_log(labels_text=True, retire_after_errors=4))
    assert not fold.cohort.versions[1].live
    assert [each.live for each in made] == [True, False, True]
    assert [event.kind for event in fold.selection.history.events] == ["spec", "serve", "retired", "proposal"]
    assert fold.selection.history.events[2].detail == {"reason": "errors"}


async def test_the_heir_of_a_champion_that_failed_is_proposed() -> None:
    fold, made = folded(await a_log(labels_text=True, retire_after_errors=4))
    wish = made[-1].proposal
    assert wish is not None
    assert (made[-1].version, made[-1].learner, wish.champion) == (2, "sgd", 1)
    assert fold.cohort.versions[2].live


def test_to_ask_for_the_metrics_does_not_change_them() -> None:
    version = Cohort().born(model_of("m", json.dumps(SPEC)), "sgd", 0, "spec:1", 0)
    before = codec.encode(version.scores)
    version.metrics()
    assert codec.encode(version.scores) == before


async def test_a_snapshot_whose_learner_is_not_what_its_recipe_makes_is_refused() -> None:
    fold, _ = folded(await a_log(labels_text=False, questions=5))
    version = fold.cohort.versions[1]
    Cohort().load([version.dump()], fold.name)
    version.recipe = version.recipe.replace("0.02", "0.03")
    assert "0.03" in version.recipe
    with pytest.raises(codec.NotDeclared, match=r"learning_rate: is 0\.02, the recipe gives 0\.03"):
        Cohort().load([version.dump()], fold.name)
