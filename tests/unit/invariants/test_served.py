from typing import Any

from penstock.invariants.served import Served, ServedAnswer
from tests.unit.invariants.logs import Feed, origin

FEATURES, PREDICTIONS, LEARNING = "features.m", "predictions.m", "learning.m"


def feed(every: int = 1) -> tuple[Feed, Served]:
    checker = Served(FEATURES, PREDICTIONS, LEARNING, every)
    return Feed(checker), checker


def value(warmth: float = 1.0, version: int = 1) -> dict[str, Any]:
    return {"features": {"warmth": warmth}, "score": 0.25, "version": version, "position": 7}


def answer(log: Feed, offset: int = 0, told: bytes = b"a", learned: bytes = b"a", **changed: Any) -> None:
    log.add(FEATURES, "FeatureVector", {"features": {"warmth": 1.0}}, offset=offset)
    log.add(PREDICTIONS, "Prediction", value(), origin(FEATURES, offset), data=told)
    log.add(LEARNING, "Prediction", value(**changed), origin(FEATURES, offset), data=learned)


def test_the_same_bytes_for_users_and_the_log_hold() -> None:
    log, _ = feed()
    answer(log)
    assert log.finding().holds
    assert log.finding().checked == 2, "bytes and features"


def test_other_bytes_in_the_log_are_named() -> None:
    log, _ = feed()
    answer(log, told=b"a", learned=b"b")
    assert log.finding().broken == (f"{LEARNING}[0]:0 has other bytes than another copy of the answer to {FEATURES}[0]:0",)


def test_a_repeat_with_other_bytes_is_named() -> None:
    log, _ = feed()
    answer(log)
    log.add(PREDICTIONS, "Prediction", value(), origin(FEATURES, 0), data=b"c")
    assert not log.finding().holds


def test_other_features_than_were_asked_are_named() -> None:
    log, _ = feed()
    answer(log, warmth=2.0)
    assert log.finding().broken == (f"{LEARNING}[0]:0 has other features than the question had",)


def test_one_of_so_many_answers_is_kept_by_its_checkpoint_and_those_of_nobody_are_not() -> None:
    log, checker = feed(every=3)
    for offset in range(7):
        answer(log, offset, version=1 if offset < 6 else 0)
    assert {key: [each.where for each in kept] for key, kept in checker.answers.items()} == {
        (1, 7): [f"{LEARNING}[0]:0", f"{LEARNING}[0]:3"]
    }


def test_an_answer_that_does_not_recompute_to_the_last_bit_is_named() -> None:
    _, checker = feed()
    answers = [ServedAnswer("learning.m[0]:4", {}, 0.25), ServedAnswer("learning.m[0]:5", {}, None)]
    checker.recomputed(answers, [0.25, None])
    assert checker.finding().holds
    checker.recomputed(answers, [0.25000000000000006, None])
    assert checker.finding().broken == ("learning.m[0]:4 says 0.25, its checkpoint and features give 0.25000000000000006",)
