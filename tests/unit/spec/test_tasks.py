"""What a specification says of each task, what it must not say, and what `penstock init` writes for it."""

import csv
from pathlib import Path
from typing import Any

import pytest

from penstock.cli.init import specification
from penstock.sources.csv_file import read_rows
from penstock.spec import Model, SpecError, check_learners, from_json, load, part_from_json
from penstock.spec.labels import label_of
from penstock.spec.rows import plan_rows
from penstock.spec.sketches import SKETCHES
from penstock.tasks import TASKS
from tests.tasks import SAMPLES

TEXT = """
streams:
  readings: {key: id, id: id, partitions: 1, fields: {id: string, warmth: double}}
  truths:
    key: id
    id: id
    partitions: 1
    fields: {id: string, y: double, n: long, kind: {type: string, enum: [a, b]}, word: string, lax: LAX}
views:
  warmth: {from: readings, select: [warmth]}
models:
  m:
    task: TASK
    view: warmth
    label: {from: truths, id: id, SAYS, horizon: 1d}
    learners: {one: LEARNER}
    champion: one
""".replace("LAX", "{type: string, enum: [a, b], on: {not_in_enum: warn}}")
SAYS = {
    "binary_classification": 'positive: "y > 1"',
    "multiclass": "value: kind",
    "regression": "value: y",
    "anomaly": 'positive: "n == 1"',
    "forecasting": "value: n",
}


def text(task: str, says: str = "", learner: str = "") -> str:
    needs = {"forecasting": "{time_series.SNARIMAX: {p: 1, d: 0, q: 0}}"}.get(task, TASKS[task].example)
    return TEXT.replace("TASK", task).replace("SAYS", says or SAYS[task]).replace("LEARNER", learner or needs)


def problems(text: str) -> str:
    with pytest.raises(SpecError) as refused:
        check_learners(load(text), text)
    return "\n".join(refused.value.problems)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_is_declared_with_its_own_metrics_and_is_written_back(task: str) -> None:
    spec = load(text(task))
    check_learners(spec)
    model = spec.models["m"]
    assert model.metrics == tuple(TASKS[task].measures)
    assert model.promotion.metric == next(iter(TASKS[task].losses))
    assert from_json(spec.to_json()) == spec
    kind, name, body = list(spec.parts())[-1]
    assert part_from_json(kind, name, body) == model


@pytest.mark.parametrize(
    ("task", "record", "label"),
    [
        ("binary_classification", {"y": 2.0}, True),
        ("multiclass", {"kind": "a"}, "a"),
        ("regression", {"y": -2.5}, -2.5),
        ("anomaly", {"n": 0}, False),
        ("forecasting", {"n": 112}, 112.0),
        ("forecasting", {"n": None}, None),
    ],
)
def test_an_event_says_the_label_of_the_task(task: str, record: dict[str, Any], label: Any) -> None:
    spec = load(text(task))
    found = label_of(spec.models["m"], spec)(record)
    assert found == label
    assert type(found) is type(label)


@pytest.mark.parametrize(
    ("task", "says", "learner", "expected"),
    [
        (
            "binary_classification",
            "value: y",
            "",
            "15:42: models.m.label.value: does not fit: a label of a binary classification is a condition",
        ),
        (
            "regression",
            'positive: "y > 1"',
            "",
            "15:45: models.m.label.positive: does not fit: a label of a regression is a value. Try: value: y",
        ),
        ("regression", "value: kind", "", "models.m.label.value: gives a string, and must give a number. Try: a field with numbers"),
        ("multiclass", "value: y", "", "gives a number, and must give a string. Try: a field of type string with an enum"),
        (
            "multiclass",
            "value: word",
            "",
            "models.m.label.value: nothing says which classes word has. Try: word: {type: string, enum: [ … ]}",
        ),
        (
            "multiclass",
            "value: lax",
            "",
            "models.m.label.value: lax lets unknown classes pass with a warning. Try: on: {not_in_enum: reject}",
        ),
        ("multiclass", "", "linear_model.LogisticRegression", "16:21: models.m.learners.one: is not a classifier of several classes"),
        ("regression", "", "naive_bayes.GaussianNB", "is not a regressor, and the task is regression. Try: linear_model.LinearRegression"),
        ("anomaly", "", "naive_bayes.GaussianNB", "is not an anomaly detector that learns without labels, and the task is anomaly"),
        ("forecasting", "", "linear_model.LinearRegression", "is not a forecaster, and the task is forecasting. Try: time_series.SNARIMAX"),
    ],
)
def test_what_does_not_fit_the_task_is_refused_at_its_place(task: str, says: str, learner: str, expected: str) -> None:
    found = problems(text(task, says, learner))
    assert expected in found


@pytest.mark.parametrize(
    ("task", "more", "expected"),
    [
        ("regression", "metrics: [rocauc]", '"rocauc" is unknown (mae, rmse, r2)'),
        ("regression", "promotion: {metric: log_loss}", 'promotion.metric: "log_loss" is unknown (mae, rmse). Try: metric: mae'),
        ("anomaly", "promotion: {mode: automatic}", "promotion.mode: one label of an anomaly has no rocauc"),
        (
            "anomaly",
            "drift: {detectors: [{signal: loss, use: drift.ADWIN}]}",
            "drift.detectors: one label of an anomaly has no loss, so there is no signal to watch",
        ),
    ],
)
def test_what_a_task_cannot_say_is_refused(task: str, more: str, expected: str) -> None:
    assert expected in problems(text(task) + f"    {more}\n")


@pytest.mark.parametrize("task", TASKS)
def test_corrections_are_relearned_where_labels_are_learned(task: str) -> None:
    relearns = text(task).replace("horizon: 1d", "horizon: 1d, on_correction: relearn, correction_wait: 2h")
    if task != "anomaly":
        assert "truths takes one event for each id, and refuses another" in problems(relearns)
    relearns = relearns.replace("    key: id\n    id: id\n", "    key: id\n")
    if task == "anomaly":
        refused = "14:83: models.m.label.on_correction: does not fit: an anomaly is learned without its label. Try: on_correction: count"
        assert refused in problems(relearns)
    else:
        spec = load(relearns)
        rule = spec.models["m"].label
        assert (rule.on_correction, rule.correction_wait_ms) == ("relearn", 7_200_000)
        assert from_json(spec.to_json()) == spec


def test_a_series_has_one_partition() -> None:
    assert "readings has 2 partitions, and a series has one" in problems(text("forecasting").replace("partitions: 1", "partitions: 2"))
    assert load(text("regression").replace("partitions: 1", "partitions: 2"))


@pytest.mark.parametrize("task", TASKS)
def test_only_anomalies_need_no_label(task: str) -> None:
    without = "\n".join(line for line in text(task).splitlines() if "label:" not in line)
    if task == "anomaly":
        model = load(without).models["m"]
        assert not model.label
        assert from_json(load(without).to_json()).models["m"] == model
    else:
        assert 'the key "label" is missing' in problems(without)


def test_every_task_has_a_sketch_whose_champion_comes_first() -> None:
    assert list(SKETCHES) == list(TASKS)


def table(path: Path, task: str) -> Path:
    """A sample's events as a CSV file."""
    events = SAMPLES[task].events(144)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*events[0][0], "truth"])
        writer.writeheader()
        writer.writerows({**x, "truth": y} for x, y in events)
    return path


def written(path: Path, **wishes: str) -> Model:
    """The model that init writes; it loads, its learners can be built, and every row of the file fits it."""
    found = specification(path, name="mine", **wishes)
    spec = load(found)
    check_learners(spec, found)
    model = next(iter(spec.models.values()))
    label = label_of(model, spec)
    told = [label(each.event) for each in plan_rows(read_rows(path), spec, "mine") if each.stream.endswith("-labels")]
    assert None not in told
    assert len(told) == (144 if model.label else 0)
    return model


@pytest.mark.parametrize("task", SAMPLES)
def test_init_sees_the_task_in_the_column_or_is_told(tmp_path: Path, task: str) -> None:
    path = table(tmp_path / "mine.csv", task)
    guessed = {"anomaly": "binary_classification", "forecasting": "regression"}.get(task, task)
    assert written(path, label="truth").task == guessed
    assert written(path, label="truth", task=task).task == task


def test_init_writes_a_model_of_anomalies_without_labels(tmp_path: Path) -> None:
    model = written(table(tmp_path / "mine.csv", "anomaly"), task="anomaly")
    assert (model.task, bool(model.label), model.name) == ("anomaly", False, "mine-anomaly")


def test_numbers_may_name_classes_when_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("x,truth\n" + "\n".join(f"{row % 7},{row % 4}" for row in range(144)))
    assert written(path, label="truth").task == "regression"
    model = written(path, label="truth", task="multiclass")
    spec = load(specification(path, label="truth", task="multiclass", name="mine"))
    assert (model.task, spec.streams["mine-labels"].fields["truth"].enum) == ("multiclass", ("0", "1", "2", "3"))


def test_the_margin_is_in_the_unit_of_the_label(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("x,truth\n" + "\n".join(f"{row % 7},{row * 1000}" for row in range(144)))
    assert written(path, label="truth").promotion.margin == pytest.approx(420, rel=0.05)


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        ({}, "nothing says what to predict. Try: --label COLUMN, or --task anomaly, which needs none"),
        (
            {"label": "y", "task": "ranking"},
            "--task ranking is unknown (binary_classification, multiclass, regression, anomaly, forecasting)",
        ),
        ({"label": "word", "task": "regression"}, "the label word is a string, and a regression needs numbers"),
        ({"label": "same", "task": "forecasting"}, "the label same is always the same"),
        ({"label": "real", "task": "multiclass"}, "the label real has values of type double, and classes are 2 to 100 names"),
        ({"label": "y", "task": "multiclass"}, "the label y has 144 different values"),
        ({"label": "y", "task": "regression", "positive": "y > 1"}, "--positive says a condition, and a label of a regression is a value"),
    ],
)
def test_a_task_that_the_column_does_not_fit_is_refused(tmp_path: Path, wishes: dict[str, str], reason: str) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("x,y,word,same,real\n" + "\n".join(f"{row % 7},{row},{'abc'[row % 3]},1,{row / 8}" for row in range(144)))
    with pytest.raises(SpecError) as refused:
        specification(path, **wishes)
    assert reason in str(refused.value)
