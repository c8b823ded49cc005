from collections.abc import Sequence

import pytest

from penstock.invariants.champion import Move, OneChampion, moves
from tests.unit.invariants.logs import Feed, letter, origin

FEATURES, LEARNING, LETTERS = "features.m", "learning.m", "dlq.features.m"
ROWS = (Move("champion", 1, 1, "first"), Move("champion", 2, 2, "proposal:2>1"))
AUDITED = tuple(move._replace(revision=0) for move in ROWS)


class Log(Feed):
    """Serves and questions on one topic, answers on the other: features first, as the flow goes."""

    def __init__(self) -> None:
        self.champion = OneChampion("m", FEATURES, LEARNING, LETTERS)
        super().__init__(self.champion)

    def serve(self, revision: int, position: int, version: int, *, partition: int = 0, offset: int | None = None) -> int:
        return self.add(
            FEATURES, "Serve", {"revision": revision, "position": position, "version": version}, partition=partition, offset=offset
        )

    def ask(self, partition: int = 0) -> int:
        return self.add(FEATURES, "FeatureVector", partition=partition)

    def answer(self, question: int, version: int, position: int, partition: int = 0) -> None:
        self.add(LEARNING, "Prediction", {"version": version, "position": position}, origin(FEATURES, question, partition))


def test_each_answer_by_the_last_serve_before_its_question_holds() -> None:
    log = Log()
    questions = [log.ask()]
    for serve in ((1, 10, 1), (1, 20, 1), (1, 10, 1), (2, 15, 2)):
        log.serve(*serve)
        questions.append(log.ask())
    for question, said in zip(questions, ((0, 0), (1, 10), (1, 20), (1, 20), (2, 15)), strict=True):
        log.answer(question, *said)
    assert log.finding().holds, log.finding().broken


def test_an_answer_by_somebody_else_is_named() -> None:
    log = Log()
    log.serve(1, 10, 1)
    log.answer(log.ask(), 2, 10)
    assert log.finding().broken == (f"{LEARNING}[0]:0 is answered by m/2@10, while m/1@10 serves",)


def test_each_partition_has_its_own_instant() -> None:
    log = Log()
    log.serve(1, 10, 1, partition=0)
    log.ask(partition=1)
    log.serve(1, 10, 1, partition=1)
    log.answer(log.ask(partition=0), 1, 10, partition=0)
    log.answer(0, 0, 0, partition=1)
    assert log.finding().holds


def test_one_revision_that_serves_two_versions_is_named() -> None:
    log = Log()
    log.serve(1, 10, 1)
    log.serve(1, 20, 2)
    assert log.finding().broken == (f"{FEATURES}[0]:1: revision 1 serves version 2, at {FEATURES}[0]:0 it serves 1",)


def test_a_serve_that_was_refused_changes_nothing() -> None:
    log = Log()
    log.serve(1, 10, 1)
    refused = log.serve(1, 20, 1)
    log.add(LETTERS, headers=letter(FEATURES, refused))
    log.answer(log.ask(), 1, 10)
    assert log.finding().holds


def test_before_the_first_serve_of_a_log_whose_beginning_aged_out_nothing_is_known() -> None:
    log = Log()
    log.add(FEATURES, "FeatureVector", offset=500)
    log.answer(500, 1, 10)
    assert log.finding().holds


def said(
    rows: Sequence[Move] = ROWS, told: Sequence[Move] = ROWS, before: Sequence[Move] = AUDITED, after: Sequence[Move] = AUDITED
) -> Log:
    log = Log()
    log.serve(1, 10, 1)
    log.serve(2, 20, 2)
    log.champion.registry_says(rows, told, before, after)
    return log


def test_log_table_topic_and_audit_log_tell_one_story() -> None:
    assert said().finding().holds, said().finding().broken


def test_a_changed_alias_row_is_named_by_the_log_the_topic_and_the_audit_log() -> None:
    broken = said(rows=(ROWS[0], ROWS[1]._replace(version=1))).finding().broken
    assert len(broken) == 3
    assert all("names version 1" in where for where in broken)


def test_a_row_taken_out_of_the_middle_is_named() -> None:
    log = Log()
    log.champion.registry_says(ROWS[1:], (), (), AUDITED)
    assert log.finding().broken == ("registry: revision 1 of the aliases of m is not there, 2 is",)


def test_the_newest_row_taken_out_is_named_by_the_log_and_the_audit_log() -> None:
    broken = said(rows=ROWS[:1]).finding().broken
    assert any("is not there" in where for where in broken)
    assert any("the audit log moves m@champion because of proposal:2>1, its table does not" in where for where in broken)


def test_a_row_that_the_audit_log_does_not_know_is_named() -> None:
    log = Log()
    log.champion.registry_says(ROWS, (), (), AUDITED[:1])
    assert log.finding().broken == ("registry: m@champion revision 2 names version 2, the audit log does not say so",)


@pytest.mark.parametrize("seen", [0, 1, 2])
def test_a_move_under_way_is_no_break(seen: int) -> None:
    log = Log()
    log.champion.registry_says(ROWS, ROWS[:seen], AUDITED[:seen], AUDITED)
    assert log.finding().holds


def test_moves_that_the_registry_leaves_out_are_not_missed() -> None:
    log = Log()
    log.serve(1, 10, 1)
    log.champion.registry_says(ROWS[1:], (), AUDITED, AUDITED, left_out=1)
    assert log.finding().holds


def test_the_audit_log_tells_of_the_first_champion_of_proposals_taken_and_of_hands() -> None:
    bodies = [
        {"action": "checkpoint", "model": "m", "version": 1},
        {"action": "checkpoint", "model": "other", "version": 9},
        {"action": "checkpoint", "model": "m", "version": 2, "proposal": {"cause": "p"}, "decision": {"taken": True}},
        {"action": "checkpoint", "model": "m", "version": 3, "proposal": {"cause": "q"}, "decision": {"taken": False}},
        {"action": "alias", "model": "m", "alias": "night", "version": 1, "cause": "ticket"},
    ]
    assert moves(bodies, "m") == [Move("champion", 0, 1, "first"), Move("champion", 0, 2, "p"), Move("night", 0, 1, "ticket")]
