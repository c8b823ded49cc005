from hypothesis import given, strategies as st

from penstock.invariants.finding import Finding
from penstock.invariants.roads import NoGap, Road
from penstock.invariants.seen import Standing
from tests.unit.invariants.logs import FAR, Feed, letter, origin, stood

UNIT, SOURCE, TARGET, LETTERS = "deployer/m", "features.m", "predictions.m", "dlq.features.m"
DAY_MS = 86_400_000


def road(*, from_start: bool = True, generation: int = 1, kept_since_ms: int = 0) -> Road:
    answers = frozenset({"Prediction"})
    return Road(UNIT, SOURCE, TARGET, lambda seen: seen.name == "FeatureVector", answers, LETTERS, generation, from_start, kept_since_ms)


def feed(standing: Standing | None = None, over: Road | None = None) -> Feed:
    return Feed(NoGap(over or road(), standing or stood(UNIT, SOURCE)))


def found(asked: int, came: list[int], below: int = FAR) -> Finding:
    log = feed(stood(UNIT, SOURCE, below))
    for _ in range(asked):
        log.add(SOURCE, "FeatureVector")
    for offset in came:
        log.add(TARGET, "Prediction", origin=origin(SOURCE, offset))
    return log.finding()


@given(st.integers(0, 30))
def test_every_question_with_its_answer_holds(asked: int) -> None:
    finding = found(asked, list(range(asked)))
    assert finding.holds
    assert finding.checked == asked


@given(st.integers(2, 30), st.data())
def test_a_missing_answer_is_named(asked: int, data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, asked - 1))
    finding = found(asked, [offset for offset in range(asked) if offset != lost])
    assert finding.broken == (f"{TARGET} has nothing from {SOURCE}[0]:{lost}, which {UNIT} has folded",)


@given(st.integers(1, 20), st.data())
def test_what_is_sent_again_after_a_crash_is_no_break(asked: int, data: st.DataObject) -> None:
    back = data.draw(st.integers(0, asked))
    assert found(asked, [*range(asked), *range(back, asked)]).holds


def test_an_answer_that_comes_after_a_later_one_is_lost_to_every_reader() -> None:
    finding = found(3, [0, 2, 1])
    assert finding.breaks == 2
    assert finding.broken[0].startswith(f"{TARGET}[0]:2 comes from {SOURCE}[0]:1, but what came from a later record")


def test_what_the_fold_had_not_folded_yet_is_under_way() -> None:
    assert found(5, [0, 1], below=2).holds
    assert not found(5, [0, 1], below=3).holds


def test_a_fold_that_nothing_is_known_of_owes_nothing() -> None:
    log = feed(Standing())
    log.add(SOURCE, "FeatureVector")
    assert (log.finding().holds, log.finding().checked) == (True, 0)


def test_an_answer_that_nothing_asked_for_is_named() -> None:
    log = feed()
    log.add(SOURCE, "Serve")
    log.add(TARGET, "Prediction", origin=origin(SOURCE, 0))
    assert log.finding().broken == (f"{TARGET} has a record from {SOURCE}[0]:0, which asked for none",)


def test_a_dead_letter_is_an_answer() -> None:
    log = feed()
    log.add(SOURCE, "FeatureVector")
    log.add(LETTERS, headers=letter("another.topic", 0))
    assert not log.finding().holds
    log = feed()
    log.add(SOURCE, "FeatureVector")
    log.add(LETTERS, headers=letter(SOURCE, 0))
    assert log.finding().holds


def test_an_echo_asks_for_nothing() -> None:
    log = feed()
    for _ in range(2):
        log.add(SOURCE, "FeatureVector", origin=origin("validated.s", 4))
    log.add(TARGET, "Prediction", origin=origin(SOURCE, 0))
    assert log.finding().holds


def test_partitions_are_told_apart() -> None:
    log = feed(Standing({**stood(UNIT, SOURCE, partition=0).folds, **stood(UNIT, SOURCE, partition=1).folds}))
    for partition in (0, 1):
        log.add(SOURCE, "FeatureVector", partition=partition)
    log.add(TARGET, "Prediction", origin=origin(SOURCE, 0, partition=0), partition=0)
    assert log.finding().broken == (f"{TARGET} has nothing from {SOURCE}[1]:0, which {UNIT} has folded",)


def test_a_model_that_came_later_begins_at_its_first_record() -> None:
    for from_start in (True, False):
        log = feed(over=road(from_start=from_start))
        for _ in range(3):
            log.add(SOURCE, "FeatureVector")
        log.add(TARGET, "Prediction", origin=origin(SOURCE, 1))
        assert log.finding().breaks == (2 if from_start else 1), "after the first record nothing is forgiven"


def test_an_answer_may_age_out_before_its_question() -> None:
    log = feed(over=road(kept_since_ms=7 * DAY_MS))
    log.add(SOURCE, "FeatureVector", timestamp=6 * DAY_MS)
    assert log.finding().holds
    log.add(SOURCE, "FeatureVector", timestamp=8 * DAY_MS)
    assert not log.finding().holds


def test_answers_to_a_log_that_was_made_anew_are_not_those_of_the_old_one() -> None:
    log = feed(over=road(generation=2))
    log.add(SOURCE, "FeatureVector")
    log.add(TARGET, "Prediction", origin=origin(SOURCE, 0, generation=1))
    assert not log.finding().holds
