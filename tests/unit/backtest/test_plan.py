"""What a backtest compares: candidates of a specification, refused with the place in the file where the log cannot answer for them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.backtest.plan import Candidate, Plan, candidates_of, check, check_range, forwards
from penstock.errors import UsageError
from penstock.spec import Model, Spec, SpecError, load

FLIGHTS = Path(__file__).parents[3] / "examples" / "flights" / "penstock.yaml"
TEXT = FLIGHTS.read_text(encoding="utf-8")
MODEL = "flights-late"


def checked(text: str, live: str = TEXT) -> Model:
    spec, runs = load(text), load(live)
    return check(spec, text, "others.yaml", MODEL, runs.models[MODEL], runs.views[runs.models[MODEL].view])


def spec() -> Spec:
    return load(TEXT)


def test_the_same_specification_is_taken_and_so_are_other_learners_policies_and_horizons() -> None:
    assert checked(TEXT).champion == "sgd"
    other = TEXT.replace("optim.SGD: 0.02", "optim.SGD: 0.5").replace("horizon: 48h", "horizon: 24h").replace("margin: 0.01", "margin: 0.5")
    assert checked(other).label.horizon_ms == 24 * 3_600_000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'positive: "arr_delay > 15"',
            'positive: "arr_delay > 20"',
            "models.flights-late.label.positive: the log's labels were",
        ),
        ("max_age: 6h, default: 0}", "max_age: 7h, default: 0}", "views.flights-basic: is not the view that runs"),
        ("flights-basic", "flights-more", 'models.flights-late.view: "flights-more" is another view'),
    ],
)
def test_what_the_log_cannot_answer_is_refused_with_its_line(old: str, new: str, said: str) -> None:
    text = TEXT.replace(old, new)
    with pytest.raises(SpecError) as refused:
        checked(text)
    message = str(refused.value)
    assert said in message
    line = int(message.removeprefix("others.yaml:").partition(":")[0])
    around = "".join(text.splitlines()[max(0, line - 2) : line + 1])
    assert message.startswith("others.yaml:")
    assert said.partition(":")[0].rpartition(".")[2] in around
    assert "Try: " in message


def test_a_file_without_the_model_is_refused_by_name() -> None:
    runs = spec()
    with pytest.raises(UsageError, match=r"others.yaml declares no model churn \(flights-late\)"):
        check(runs, TEXT, "others.yaml", "churn", runs.models[MODEL], runs.views["flights-basic"])


def test_every_learner_runs_alone_the_policy_as_declared_and_the_whole_log_as_it_stands() -> None:
    model = spec().models[MODEL]
    assert [(each.name, each.kind) for each in candidates_of(model, whole_log=True)] == [
        ("live", "live"), ("policy", "policy"), ("adagrad", "learner"), ("sgd", "learner"),
    ]  # fmt: skip
    fixed = replace(model, challengers=(), reactions=())
    assert [each.kind for each in candidates_of(fixed, whole_log=False)] == ["learner", "learner"]
    bodies = {each.name: json.loads(each.body) for each in candidates_of(fixed, whole_log=False)}
    for name, body in bodies.items():
        assert (body["champion"], list(body["learners"]), body["challengers"], body["drift"]["reactions"]) == (name, [name], [], [])


def test_no_candidate_learns_corrected_labels_again() -> None:
    model = spec().models[MODEL]
    relearns = replace(model, label=replace(model.label, on_correction="relearn"))
    bodies = [json.loads(each.body) for each in candidates_of(relearns, whole_log=False)]
    assert {body["label"]["on_correction"] for body in bodies} == {"count"}


def test_where_a_log_goes_back_nobody_follows_it_as_it_stands() -> None:
    plan = Plan(
        MODEL, "binary_classification", "log_loss", "learning", 0, 90, "{}", tuple(candidates_of(spec().models[MODEL], whole_log=True))
    )
    assert [each.name for each in forwards(plan).candidates] == ["policy", "adagrad", "sgd"]


@pytest.mark.parametrize(("first", "end", "wanted"), [(None, None, (3, 90)), (10, None, (10, 90)), (None, 20, (3, 20)), (89, 90, (89, 90))])
def test_a_range_is_the_whole_log_unless_it_is_said(first: int | None, end: int | None, wanted: tuple[int, int]) -> None:
    assert check_range("learning.m", (3, 90), first, end) == wanted


@pytest.mark.parametrize(("first", "end"), [(2, None), (None, 91), (50, 50), (60, 50), (90, None)])
def test_a_range_that_the_log_does_not_hold_is_refused(first: int | None, end: int | None) -> None:
    with pytest.raises(UsageError, match=r"learning.m holds the offsets 3 … 89; .* Try: --from 3 --to 90"):
        check_range("learning.m", (3, 90), first, end)


def test_the_same_question_is_known_again_wherever_the_log_ends_and_another_is_not() -> None:
    plan = Plan("m", "binary_classification", "log_loss", "learning.m", 0, 90, "{}", (Candidate("a", "learner", "{}"),))
    assert Plan.from_json(plan.to_json()) == plan
    assert replace(plan, end=100).identity == plan.identity
    for changes in ({"first": 1}, {"runtime": '{"river":"2"}'}, {"candidates": (Candidate("a", "learner", "[]"),)}, {"model": "n"}):
        assert replace(plan, **changes).identity != plan.identity
