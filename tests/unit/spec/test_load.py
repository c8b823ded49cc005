"""A bad specification is refused with file, line, column, reason and cure; a good one is taken whole."""

import json
from pathlib import Path

import pytest

from penstock.spec import Aggregate, Calendar, Last, SpecError, check_learners, from_json, load, part_from_json

EXAMPLE = Path(__file__).parent / "flights.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")

BAD = [
    ("key: origin  ", "ky: origin  ", '6:5: streams.flights: the key "key" is missing'),
    ("key: origin  ", "ky: origin  ", 'streams.flights.ky: the key "ky" is unknown. Try: key'),
    ("key: origin  ", "key: orign  ", '6:10: streams.flights.key: "orign" is not a field of this stream'),
    (
        "dest: string",
        "dest: strin",
        '16:13: streams.flights.fields.dest.type: "strin" is unknown (string, double, long, boolean, timestamp)',
    ),
    ("dest: string", "dest: string\n      dest: long", '17:7: the key "dest" stands twice'),
    ("dest: string", "_dest: string", '16:7: streams.flights.fields: "_dest" cannot be a name'),
    ("dest: string", "event_id: string", '16:7: streams.flights.fields.event_id: the name "event_id" is reserved'),
    ("dest: string", "dest: {type: string, range: [0, 1]}", "streams.flights.fields.dest.range: fits numbers only, not string"),
    ("[1, 6000]", "[6000, 1]", "18:39: streams.flights.fields.distance.range: the lowest value stands second. Try: range: [1, 6000]"),
    ("[1, 6000]", "[1, .inf]", "must be two finite numbers"),
    ("nullable: true}", "nullable: 1}", "17:41: streams.flights.fields.tailnum.nullable: must be true or false"),
    ("time: scheduled_at", "time: carrier", '"carrier" must be of type timestamp and not nullable'),
    (
        "max_jump: 7d",
        "max_jump: a week",
        '9:15: streams.flights.max_jump: "a week" is not a duration. Try: max_jump: 7d (units: d, h, m, s, ms)',
    ),
    ("partitions: 1", "partitions: 0", "10:17: streams.flights.partitions: must be a whole number from 1 to 1000"),
    ("partitions: 1", "partitions: 3", "56:23: views.flights-basic.compute.wind: flights has 3 partitions, weather 1"),
    ("partitions: 1", "partitions: 3", '61:54: views.flights-basic.compute.carrier_3h.by: "carrier" is not the key of both streams'),
    (
        "  weather:  ",
        "  tick: {key: k, fields: {k: string}}\n  weather:  ",
        "21:9: streams.tick: its records would be called Tick, as records of the platform are. Try: tick-events",
    ),
    (
        "partitions: 1",
        "partitions: 3",
        "models.flights-late.label.from: flights has 3 partitions, arrivals 1: labels are read beside questions. "
        "Try: the same number for both",
    ),
    (
        "from: flights",
        "from: flihgts",
        '51:11: views.flights-basic.from: "flihgts" is not a stream (arrivals, flights, weather). Try: flights',
    ),
    ("[distance, carrier,", "[distnace, carrier,", '52:14: views.flights-basic.select[0]: "distnace" is not a field'),
    ("[distance, carrier,", "[scheduled_at, carrier,", "views.flights-basic.select[0]: a timestamp is no feature"),
    (
        "zone: America/New_York",
        "zone: America/NewYork",
        '54:64: views.flights-basic.compute.hour.zone: "America/NewYork" is not a time zone',
    ),
    ("of: scheduled_at", "of: carrier", '"carrier" is a string, not a timestamp'),
    (
        "last: weather.wind_speed",
        "last: weather.wind",
        '"wind" is not a field (observed_at, origin, precipitation, visibility, wind_speed). Try: wind_speed',
    ),
    ("last: weather.wind_speed", "last: wether.wind_speed", '"wether" is not a stream'),
    ("default: 10}", "default: ten}", 'views.flights-basic.compute.wind.default: "ten" is not a double'),
    (
        "arrivals.arr_delay > 15",
        "arrivals.arr_delay = 15",
        '60:31: views.flights-basic.compute.late_3h.share: "= 15" is not allowed in an expression. Try: ==',
    ),
    ("arrivals.arr_delay > 15", "arrivals.arr_delay", "late_3h.share: gives a number, and must give a boolean"),
    ("mean: arrivals.arr_delay,", "mean: arrivals.carrier,", "delay_3h.mean: gives a string, and must give a number"),
    ("by: tailnum", "by: tail", '62:54: views.flights-basic.compute.previous_delay.by: "tail" is not a field of flights'),
    ("by: tailnum", "bye: tailnum", 'the key "bye" is unknown. Try: by'),
    ("window: 3h", "window: 0h", "delay_3h.window: must be longer than nothing"),
    (
        "task: binary_classification",
        "task: regresion",
        '66:11: models.flights-late.task: "regresion" is unknown (binary_classification, multiclass, regression, anomaly, forecasting). '
        "Try: task: regression",
    ),
    ("view: flights-basic", "view: flights-basics", '"flights-basics" is not a view (flights-basic). Try: flights-basic'),
    ("on_expiry: drop", "on_expiry: negative", '"negative" is unknown (drop; nothing else yet). Try: on_expiry: drop'),
    ("on_correction: count", "on_correction: rewrite", '"rewrite" is unknown (count, relearn)'),
    ("on_correction: count", "on_correction: count, correction_wait: 2h", "says how corrections are learned, and they are only counted"),
    (
        'positive: "arr_delay > 15"',
        "value: arr_delay",
        "label.value: does not fit: a label of a binary classification is a condition that holds or not",
    ),
    ('positive: "arr_delay > 15"', "positive: arr_delay", "label.positive: gives a number, and must give a boolean. Try: arr_delay == 1"),
    ("id: flight_id, pos", "id: arr_delay, pos", "label.id: is a double, but the id of its question is a string"),
    ("horizon: 48h", "horizon: 0s", "label.horizon: must be longer than nothing"),
    ("champion: sgd", "champion: sdg", '76:15: models.flights-late.champion: "sdg" is not a learner (adagrad, sgd, tree). Try: sgd'),
    (
        "challengers: [tree]",
        "challengers: []",
        "75:16: models.flights-late.learners.tree: is never used. Try: challengers: [tree], or leave it out",
    ),
    ("challengers: [tree]", "challengers: [tree, sgd]", '"sgd" is the champion already'),
    ("spawn: adagrad", "spawn: ada", '84:42: models.flights-late.drift.reactions[0].spawn: "ada" is not a learner'),
    ("signal: loss", "signal: los", '82:20: models.flights-late.drift.detectors[0].signal: "los" is unknown (loss). Try: signal: loss'),
    ("optim.SGD", "optim.SDG", "73:62: models.flights-late.learners.sgd.linear_model.LogisticRegression.optimizer: class 'optim.SDG'"),
    (
        "grace_period: 500",
        "grace_perod: 500",
        "75:47: models.flights-late.learners.tree.tree.HoeffdingTreeClassifier: argument 'grace_perod' is unknown",
    ),
    ("[log_loss, rocauc", "[logloss, rocauc", '78:14: models.flights-late.metrics: "logloss" is unknown (log_loss, rocauc, accuracy)'),
    ("margin: 0.01", "margin: .nan", "margin: must be a finite number"),
    ("margin: 0.01", "margin: -1", "margin: must not be negative"),
    (
        "select: numbers",
        "select: number",
        'preprocess[0].select: "number" is unknown (numbers, strings; or a list of features). Try: select: numbers',
    ),
    ("select: numbers", "select: [hours]", 'preprocess[0].select[0]: "hours" is not a feature'),
    ("flights-basic:", "Flights_basic:", '50:3: views: "Flights_basic" cannot be a name'),
    ("metrics: [log", "metrics: &all [log", "78:14: anchors and aliases (& and *) are not supported"),
    ("metrics: [log", "metrics: !!set [log", "tags are not supported"),
    ("metrics: [log", "metrics: [[log", "79:5: not YAML 1.2"),
]


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(SpecError) as refused:
        load(text)
    return refused.value.problems


@pytest.mark.parametrize(("good", "bad", "expected"), BAD)
def test_a_bad_specification_is_refused_with_its_place_and_a_cure(good: str, bad: str, expected: str) -> None:
    assert good in TEXT
    found = problems(TEXT.replace(good, bad, 1))
    assert any(expected in problem for problem in found), found
    assert all(problem.startswith("penstock.yaml:") for problem in found)


@pytest.mark.parametrize(
    ("joined", "own"),
    [("{last: weather.wind_speed,", "{last: flights.distance,"), ("{mean: arrivals.arr_delay, window", "{count: flights, window")],
)
def test_a_feature_may_be_of_the_stream_that_asks(joined: str, own: str) -> None:
    assert joined in TEXT
    assert load(TEXT.replace(joined, own)).views["flights-basic"]


def test_all_problems_come_at_once_in_the_order_of_the_file() -> None:
    text = TEXT.replace("champion: sgd", "champion: sdg").replace("dest: string", "dest: strin").replace("max_age: 6h", "max_age: 6", 1)
    assert [problem.split(":")[1] for problem in problems(text)] == ["16", "56", "76"]


def test_what_refers_to_a_broken_part_is_not_blamed() -> None:
    assert len(problems(TEXT.replace("distance: {type: double", "distance: {type: doubel"))) == 2  # its type, and a range that fits no text


@pytest.mark.parametrize(
    "text", ["", "null", "- a", "a: b", "streams: {}", "streams: [1]", "[[[[", 'a: "\x00"', "? [a]\n: b", "a: 1\n---\nb: 2", '"\\ud800": 1']
)
def test_a_file_that_is_no_specification_is_refused(text: str) -> None:
    assert problems(text)


def test_a_bomb_of_aliases_is_refused_before_it_is_built() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(50))
    assert "anchors and aliases" in problems(bomb)[0]


def test_depth_and_size_are_capped() -> None:
    assert "nested deeper" in problems("a: " + "[" * 500 + "]" * 500)[0]
    assert "longer than 1000000 bytes" in problems("#" * 1_000_001)[0]


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "streams: {s: {key: k, fields: {k: {type: string, enum: [yes, no, on, 012a, 1:30]}}}}"
    assert load(text).streams["s"].fields["k"].enum == ("yes", "no", "on", "012a", "1:30")


def test_the_flights_example_says_what_the_design_says() -> None:
    spec = load(TEXT)
    view, model, stream = spec.views["flights-basic"], spec.models["flights-late"], spec.streams["flights"]
    assert (stream.key, stream.id, stream.time, stream.max_jump_ms, stream.partitions) == (
        "origin",
        "flight_id",
        "scheduled_at",
        604_800_000,
        1,
    )
    assert view.compute["hour"] == Calendar("hour", "scheduled_at", "America/New_York")
    assert view.compute["wind"] == Last("weather", "wind_speed", None, 21_600_000, 10)
    assert view.compute["late_3h"] == Aggregate("share", "arrivals", "arrivals.arr_delay > 15", None, 10_800_000, 0)
    assert view.features[:4] == ("distance", "carrier", "origin", "dest")
    assert (model.champion, model.label.positive, model.label.horizon_ms) == ("sgd", "arr_delay > 15", 172_800_000)
    assert model.reactions[0].spawn == "adagrad"


@pytest.mark.parametrize(
    ("learner", "said"),
    [
        (
            "linear_model.BayesianLinearRegression",
            r"73:12: .*: linear_model.BayesianLinearRegression is refused: it changes when it predicts",
        ),
        ("{anomaly.LocalOutlierFactor: {}}", r"73:12: .*addresses of objects, which no log determines. Try: anomaly.HalfSpaceTrees"),
        ("{forest.ARFClassifier: {seed: null}}", r"73:42: .*forest.ARFClassifier.seed: None is not a whole number"),
        ("{ensemble.BaggingClassifier: {model: rules.AMRules}}", r"73:49: .*model: rules.AMRules is refused"),
    ],
)
def test_a_learner_that_cannot_be_proved_is_refused_at_its_place_with_the_reason(learner: str, said: str) -> None:
    line = next(line for line in TEXT.splitlines() if line.strip().startswith("sgd:"))
    text = TEXT.replace(line, f"      sgd: {learner}")
    with pytest.raises(SpecError, match=said):
        load(text)


def test_the_learners_of_the_example_can_be_built() -> None:
    check_learners(load(TEXT), TEXT)


def test_a_learner_that_is_no_classifier_is_refused_at_its_place() -> None:
    text = TEXT.replace("linear_model.LogisticRegression: {optimizer: {optim.SGD", "linear_model.LinearRegression: {optimizer: {optim.SGD")
    with pytest.raises(SpecError, match=r"^penstock.yaml:73:16: models.flights-late.learners.sgd: is not a classifier"):
        check_learners(load(text), text)
    with pytest.raises(SpecError, match=r"^penstock.yaml: models.flights-late.learners.sgd: is not a classifier"):
        check_learners(load(text))


def test_canonical_json_is_the_identity_on_the_example() -> None:
    spec = load(TEXT)
    again = from_json(spec.to_json())
    assert again == spec
    assert again.to_json() == spec.to_json()
    assert list(again.views["flights-basic"].compute) == list(spec.views["flights-basic"].compute)


def test_a_part_stands_alone() -> None:
    spec = load(TEXT)
    whole = {"stream": spec.streams, "view": spec.views, "model": spec.models}
    parts = list(spec.parts())
    assert [kind for kind, _, _ in parts] == ["stream", "stream", "stream", "view", "model"]
    assert all(part_from_json(kind, name, body) == whole[kind][name] for kind, name, body in parts)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a":1,"a":2}', '{"streams":{"s":{"key":NaN}}}', "[" * 5_000 + "]" * 5_000, '{"streams":{"\\ud800":1}}']
)
def test_json_from_elsewhere_is_checked_as_a_file_is(text: str) -> None:
    with pytest.raises(SpecError):
        from_json(text)


def test_a_bad_reference_in_json_is_refused_without_a_place() -> None:
    document = json.loads(load(TEXT).to_json())
    document["views"]["flights-basic"]["from"] = "nowhere"
    with pytest.raises(SpecError, match=r'^specification: views.flights-basic.from: "nowhere" is not a stream'):
        from_json(json.dumps(document))


def test_the_specification_of_the_demo_loads() -> None:
    demo = Path(__file__).parents[3] / "examples" / "flights" / "penstock.yaml"
    assert list(load(demo.read_text(), str(demo)).models) == ["flights-late"]
