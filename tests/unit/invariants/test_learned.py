import pytest

from penstock.invariants.finding import Finding
from penstock.invariants.learned import LearnedOnce, Learnt, living_counts_add_up
from tests.unit.invariants.logs import FAR, Feed, origin, stood

UNIT, LEARNING, OUTCOMES = "trainer/m", "learning.m", "outcomes.m"
HORIZON_MS = 1_000


class Log(Feed):
    def __init__(self, below: int = FAR, **counts: int) -> None:
        self.learned = LearnedOnce(UNIT, LEARNING, OUTCOMES, HORIZON_MS, stood(UNIT, LEARNING, below, **counts))
        super().__init__(self.learned)

    def ask(self, id: str) -> int:
        return self.add(LEARNING, "Prediction", {"event_id": id})

    def label(self, id: str) -> int:
        return self.add(LEARNING, "Label", {"event_id": id})

    def labelled(self, id: str, question: int, label: int, at_ms: int = 0, caused: int | None = None) -> None:
        value = {"event_id": id, "event_time_ms": at_ms, "kind": "labelled", "prediction_position": question, "label_position": label}
        self.add(OUTCOMES, "Outcome", value, origin(LEARNING, label if caused is None else caused))

    def expired(self, id: str, question: int, caused: int, index: int = 0) -> None:
        value = {"event_id": id, "event_time_ms": 0, "kind": "expired", "prediction_position": question, "label_position": None}
        self.add(OUTCOMES, "Outcome", value, origin(LEARNING, caused, index=index))

    def revised(self, id: str, question: int, caused: int, index: int = 0) -> None:
        value = {"event_id": id, "event_time_ms": 0, "kind": "quarantined", "prediction_position": question, "revision": 1}
        self.add(OUTCOMES, "Outcome", value, origin(LEARNING, caused, index=index))


def healthy(**counts: int) -> Log:
    """Three questions: one labelled, one expired, one open."""
    log = Log(**{"predictions": 3, "labelled": 1, "expired": 1, **counts})
    first, second, _, label, tick = log.ask("a"), log.ask("b"), log.ask("c"), log.label("a"), log.add(LEARNING, "Tick")
    log.labelled("a", first, label)
    log.expired("b", second, tick)
    return log


def test_each_question_that_ends_once_holds() -> None:
    log = healthy()
    assert log.finding().holds, log.finding().broken
    assert log.learned.counts().holds, log.learned.counts().broken


def test_a_repeat_of_an_outcome_after_a_crash_is_no_second_one() -> None:
    log = healthy()
    log.labelled("a", 0, 3)
    assert log.finding().holds


def test_what_a_rewind_says_of_a_question_takes_the_place_of_what_was_said_before() -> None:
    log = healthy(labelled=0, expired=1, quarantined=2)
    command = log.add(LEARNING, "Rewound")
    log.revised("a", 0, command)
    log.revised("c", 2, command, index=1)  # it had not ended yet
    assert log.finding().holds, log.finding().broken
    assert log.learned.counts().holds, log.learned.counts().broken
    log.revised("b", 1, command, index=2)
    assert not log.learned.counts().holds, "the trainer has not counted it"


def test_a_revision_of_a_question_that_was_never_asked_is_named() -> None:
    log = healthy()
    log.revised("z", 0, log.add(LEARNING, "Rewound"))
    assert log.finding().broken == (f"{OUTCOMES}[0]:2 ends z with {LEARNING}[0]:0, where no Prediction of it stands",)


def test_a_question_that_ends_twice_is_named() -> None:
    log = healthy()
    log.expired("a", 0, caused=5)
    assert log.finding().broken == (f"{OUTCOMES}[0]:2 ends a with {LEARNING}[0]:0, which another outcome has used",)


def test_an_id_that_teaches_twice_is_named_while_it_is_remembered() -> None:
    for later_ms, holds in ((2 * HORIZON_MS, False), (2 * HORIZON_MS + 1, True)):
        log = Log()
        for at_ms in (0, later_ms):
            question = log.ask("a")
            log.labelled("a", question, log.label("a"), at_ms)
        assert log.finding().holds is holds


@pytest.mark.parametrize(("id", "question", "label"), [("a", 1, 3), ("a", 0, 2), ("b", 0, 3), ("a", 3, 0)])
def test_an_outcome_of_what_was_not_asked_or_not_answered_so_is_named(id: str, question: int, label: int) -> None:
    log = Log()
    log.ask("a"), log.ask("b"), log.ask("c"), log.label("a")
    log.labelled(id, question, label)
    assert not log.finding().holds


@pytest.mark.parametrize("name", ["predictions", "labelled", "expired", "quarantined"])
@pytest.mark.parametrize("more", [1, -1])
def test_a_count_that_the_logs_do_not_hold_is_named(name: str, more: int) -> None:
    right = {"predictions": 3, "labelled": 1, "expired": 1, "quarantined": 0}
    finding = healthy(**{name: right[name] + more}).learned.counts()
    assert not finding.holds
    assert f"{UNIT} has counted {right[name] + more}" in finding.broken[0]


def test_a_question_asked_again_is_counted_apart() -> None:
    log = Log(predictions=1, predictions__repeated=1)
    log.add(LEARNING, "Prediction", {"event_id": "a"}, origin("features.m", 0))
    log.add(LEARNING, "Prediction", {"event_id": "a"}, origin("features.m", 1))
    log.add(LEARNING, "Prediction", {"event_id": "a"}, origin("features.m", 1))
    assert log.learned.counts().holds


def test_what_the_trainer_had_not_folded_yet_is_under_way() -> None:
    log = Log(below=1, predictions=1)
    for id in "abc":
        log.ask(id)
    log.labelled("a", 0, log.label("a"))
    assert log.learned.counts().holds


def test_more_ends_than_questions_are_named() -> None:
    log = Log(predictions=0, labelled=1)
    assert any("more predictions have ended than were made" in where for where in log.learned.counts().broken)


@pytest.mark.parametrize(
    ("born", "position", "labels", "holds"), [(0, 6, 3, True), (2, 6, 2, True), (2, 4, 1, True), (0, 6, 2, False), (0, 6, 4, False)]
)
def test_a_version_has_taken_every_label_of_its_life(born: int, position: int, labels: int, holds: bool) -> None:
    log = Log()
    for id in "abc":
        question = log.ask(id)
        log.labelled(id, question, log.label(id))
    log.learned.checkpoint_says(Learnt("m/1@6", born, position, labels))
    assert log.finding().holds is holds


@pytest.mark.parametrize(("pending", "holds"), [(1, True), (0, False), (2, False)])
def test_the_living_fold_adds_up(pending: int, holds: bool) -> None:
    found: Finding = living_counts_add_up("m", {"predictions": 4, "labelled": 2, "expired": 1, "pending": pending})
    assert found.holds is holds
