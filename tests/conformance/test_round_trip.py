"""Every supported case survives its bytes exactly, on real streams."""

from typing import Any

import pytest
from river import stream

from penstock.codec import build_pipeline, decode, digest, encode, finite
from tests.codec.cases import FURTHER, SEED, TRAINING, Case, run
from tests.codec.matrix import asked
from tests.codec.recipes import SCALED
from tests.codec.supported import CASES, journey, trained
from tests.elec2 import ELEC2, needs_elec2

# An empty entry for a class that a leaf has not seen: River's trees over text make it when they are asked. It changes no answer.
NOTE_A_CLASS = {"bagging", "forest-text"}
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def _next_events(case: Case) -> list[Any]:
    return case.events(TRAINING + FURTHER)[TRAINING:]


@every_case
def test_decoding_and_encoding_again_gives_the_same_bytes(case: Case) -> None:
    assert encode(decode(trained(case.name))) == trained(case.name)
    assert encode(decode(trained(case.name, 0))) == trained(case.name, 0)


@every_case
def test_original_and_copy_answer_alike_and_learn_alike(case: Case) -> None:
    went = journey(case.name)
    assert len(went.answers) == FURTHER
    assert went.answers_of_copy == went.answers
    assert digest(went.end_of_copy) == digest(went.end)


@every_case
def test_resuming_at_every_hundredth_event_equals_never_stopping(case: Case) -> None:
    events = case.events(TRAINING)
    model = case.model()
    for start in range(0, TRAINING, 100):
        model = decode(encode(model))
        run(model, events[start : start + 100])
    assert encode(model) == trained(case.name)


@every_case
def test_one_event_more_is_another_digest(case: Case) -> None:
    model = decode(trained(case.name))
    run(model, _next_events(case)[:1])
    assert digest(encode(model)) != digest(trained(case.name))


@pytest.mark.parametrize("name", ["logistic-adam", "tree-regressor", "forest", "adwin", "rocauc"])
def test_no_state_holds_a_nan(name: str) -> None:
    assert finite(decode(trained(name)))


@pytest.mark.parametrize("case", [case for case in CASES if case.is_learner], ids=lambda case: case.name)
def test_a_question_on_known_features_leaves_the_bytes_and_every_later_answer_as_they_were(case: Case) -> None:
    model = asked(trained(case.name), case.events(TRAINING)[-20:])
    assert (encode(model) == trained(case.name)) == (case.name not in NOTE_A_CLASS)
    assert run(model, _next_events(case)) == journey(case.name).answers


def test_the_first_prediction_builds_a_plan_that_is_no_state() -> None:
    model = build_pipeline([{"select": "strings", "then": "preprocessing.OneHotEncoder"}], "linear_model.LogisticRegression", SEED)
    before = encode(model)
    model.predict_one({"color": "red"})
    assert encode(model) == before


@needs_elec2
def test_elec2_survives_its_bytes() -> None:
    rows = list(stream.iter_csv(ELEC2, target=_last_column(), converters=_converters()))[:800]
    model = build_pipeline(SCALED, {"linear_model.LogisticRegression": {"optimizer": {"optim.AdaGrad": 0.05}}}, SEED)
    for x, y in rows[:600]:
        model.learn_one(x, y)
    copy = decode(encode(model))
    for x, y in rows[600:]:
        assert copy.predict_proba_one(x) == model.predict_proba_one(x)
        model.learn_one(x, y)
        copy.learn_one(x, y)
    assert encode(copy) == encode(model)


def _header() -> list[str]:
    with ELEC2.open() as lines:
        return lines.readline().strip().split(",")


def _last_column() -> str:
    return _header()[-1]


def _converters() -> dict[str, Any]:
    return dict.fromkeys(_header()[:-1], float) | {_last_column(): lambda text: text.upper() in ("UP", "1", "TRUE")}
