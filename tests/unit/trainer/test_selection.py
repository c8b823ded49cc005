"""Who is born, who serves, who is proposed and who retires."""

import json
from typing import Any

from penstock import codec
from penstock_trainer.checkpoints import CheckpointMade
from penstock_trainer.cohort import Cohort
from penstock_trainer.fold import TrainerFold, model_of
from tests.learning_log import SPEC, LearningLog, a_log, checkpoints, fold_all


def events(fold: TrainerFold) -> list[str]:
    return [event.kind for event in fold.selection.history.events]


def proposals(made: list[Any]) -> list[CheckpointMade]:
    return [each for each in checkpoints(made) if each.proposal]


async def two_versions(questions: int = 120) -> tuple[LearningLog, TrainerFold]:
    """The champion sgd, and adagrad, which has been scored too."""
    log = await LearningLog.new()
    log.spec(challengers=["adagrad"])
    log.serve(1, 1)
    for number in range(questions):
        log.ask(f"q{number}", number / 60, a=float(number % 2))
        log.label(f"q{number}", number / 60, number % 2 == 0)
    fold = log.fold()
    fold_all(fold, log.records)
    return log, fold


async def test_drift_spawns_the_declared_learner_and_respects_cooldown_and_budget() -> None:
    log = await a_log(questions=150)
    log.drift("d1", 2.5)
    log.drift("d1", 2.5)
    log.drift("d2", 2.5)
    fold = log.fold()
    fold_all(fold, log.records)
    assert [(version.number, version.learner_name, version.parent, version.cause) for version in fold.cohort.versions.values()] == [
        (1, "sgd", 0, "spec:1"),
        (2, "adagrad", 1, "d1"),
    ]
    assert (fold.counts["drift_events"], fold.counts["reactions"], fold.counts["reactions.refused"]) == (2, 1, 1)
    assert [event.detail for event in fold.selection.history.events if event.kind == "refused"] == [{"reason": "cooldown"}]


async def test_a_better_challenger_is_proposed_once_and_serves_from_its_serve_on() -> None:
    log = await a_log(questions=1200, drift_at=600)
    fold = log.fold()
    made = fold_all(fold, log.records)
    wishes = [each.proposal for each in checkpoints(made) if each.proposal]
    assert [(wish.champion, wish.cause) for wish in wishes] == [(1, "proposal:2>1@1462:d1")]
    assert wishes[0].labels >= 100
    assert wishes[0].difference > 0.01
    fold_all(fold, [log.serve(2, 2, 500)])
    assert fold.selection.champion == 2
    assert [event.kind for event in fold.selection.history.events] == ["spec", "serve", "drift", "reaction", "proposal", "serve"]


async def test_an_older_serve_is_ignored() -> None:
    log = await a_log()
    log.drift("d1")
    log.serve(2, 5, 10)
    log.serve(1, 4, 11)
    log.serve(2, 5, 9)
    log.serve(9, 6, 9)
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.selection.champion, fold.selection.serving, fold.counts["serves.ignored"]) == (2, (5, 10), 3)


async def test_a_checkpoint_of_every_living_version_is_made_every_so_many_labels() -> None:
    log = await a_log(questions=400)
    fold = log.fold()
    made = checkpoints(fold_all(fold, log.records))
    assert [each.version for each in made] == [1, 1, 1, 1]
    assert made[0].position == 1
    assert codec.digest(made[-1].blob) == made[-1].digest
    assert made[-1].digest != made[0].digest


async def test_an_apply_of_another_learner_gives_birth_to_it_and_keeps_the_rest() -> None:
    log = await a_log(questions=50)
    log.spec(2, challengers=["adagrad"])
    log.spec(2, challengers=["adagrad"])
    log.spec(1)
    fold = log.fold()
    fold_all(fold, log.records)
    assert [version.learner_name for version in fold.cohort.live()] == ["sgd", "adagrad"]
    assert fold.spec_version == 2


async def test_a_champion_that_a_specification_names_is_proposed_whatever_the_evidence() -> None:
    log, fold = await two_versions()
    made = fold_all(fold, [log.spec(2, champion="adagrad", challengers=["sgd"])])
    (proposed,) = proposals(made)
    assert proposed.proposal
    assert (proposed.version, proposed.proposal.champion, proposed.proposal.declared) == (2, 1, True)


async def test_a_champion_that_a_specification_names_is_born_first_if_it_must() -> None:
    log = await a_log(questions=50)
    fold = log.fold()
    fold_all(fold, log.records)
    made = fold_all(fold, [log.spec(2, champion="adagrad", challengers=["sgd"])])
    assert [(each.version, each.learner) for each in proposals(made)] == [(2, "adagrad")]


async def test_the_same_champion_in_a_later_specification_proposes_nobody() -> None:
    log, fold = await two_versions(20)
    assert not proposals(fold_all(fold, [log.spec(2, challengers=["adagrad"], checkpoint_every_labels=50)]))


async def test_what_a_specification_declares_no_more_retires() -> None:
    log, fold = await two_versions()
    learners = {"sgd": SPEC["learners"]["sgd"]}
    drift = {**SPEC["drift"], "reactions": []}
    made = checkpoints(fold_all(fold, [log.spec(2, learners=learners, drift=drift)]))
    assert [(each.version, each.live) for each in made] == [(2, False)]
    assert fold.selection.history.events[-1].detail == {"reason": "specification"}


async def test_a_champion_that_is_declared_no_more_serves_until_the_next_one_does() -> None:
    log, fold = await two_versions()
    changed = {**SPEC["learners"], "sgd": {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.5}}}}
    fold_all(fold, [log.spec(2, learners=changed, challengers=["adagrad"])])
    assert [version.number for version in fold.cohort.live()] == [1, 2, 3]
    made = checkpoints(fold_all(fold, [log.serve(3, 2, 400)]))
    assert [(each.version, each.live) for each in made] == [(1, False)]
    assert [version.number for version in fold.cohort.live()] == [2, 3]


async def test_after_another_specification_or_champion_a_proposal_may_be_made_again() -> None:
    log = await a_log(questions=1200, drift_at=600)
    fold = log.fold()
    (first,) = proposals(fold_all(fold, log.records))
    log.spec(2, promotion={**SPEC["promotion"], "margin": 0.02})
    log.ask("again", 30, a=1.0)
    log.label("again", 31)
    (again,) = proposals(fold_all(fold, log.records[-3:]))
    assert first.proposal
    assert again.proposal
    assert (again.version, again.proposal.champion) == (first.version, first.proposal.champion)
    assert again.proposal.cause != first.proposal.cause


def test_a_version_that_no_label_has_scored_is_not_the_best() -> None:
    cohort, model = Cohort(), model_of("m", json.dumps(SPEC))
    old, _ = (cohort.born(model, "sgd", 0, "spec:1", 0) for _ in range(2))
    old.score(True, 0.1)
    assert cohort.best(cohort.live()) is old
