import pytest

from penstock.inspection.declared import ALIAS_ROWS_MAX, Declared, left_out, only
from penstock.invariants.champion import Move
from penstock.rpc import NotFound
from penstock.spec import load

STREAM = "{key: k, id: id, time: at, fields: {id: string, k: string, at: timestamp, a: double, y: boolean}}"
MODEL = """
    task: binary_classification
    label: {from: LABELS, id: id, positive: "y == true", horizon: 1d}
    learners: {sgd: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.05}}}}
    champion: sgd
    metrics: [log_loss]
"""
SPEC = load(
    f"""
streams: {{asked: {STREAM}, told: {STREAM}, other: {STREAM}}}
views: {{v: {{from: asked, select: [a]}}, w: {{from: other, select: [a]}}}}
models:
  one:{MODEL.replace("LABELS", "told")}    view: v
  two:{MODEL.replace("LABELS", "asked")}    view: v
  far:{MODEL.replace("LABELS", "other")}    view: w
"""
)
WHOLE = Declared(SPEC, {}, frozenset())


def test_every_fold_is_a_unit() -> None:
    assert WHOLE.units == [
        *("ingestion/asked", "ingestion/other", "ingestion/told", "feature_store/v", "feature_store/w"),
        *(f"{service}/{model}" for service in ("deployer", "trainer", "monitor") for model in ("far", "one", "two")),
    ]


def test_one_model_comes_with_its_view_that_views_models_and_what_feeds_them() -> None:
    spec = only(WHOLE, "one").spec
    assert (list(spec.streams), list(spec.views), list(spec.models)) == (["asked", "told"], ["v"], ["one", "two"])


def test_a_model_that_is_not_there_is_an_error_that_says_what_is() -> None:
    with pytest.raises(NotFound, match="there is far, one, two"):
        only(WHOLE, "nobody")


def test_a_registry_that_keeps_its_answer_short_has_left_out_the_oldest() -> None:
    rows = [Move("champion", revision, 1, str(revision)) for revision in range(4, 4 + ALIAS_ROWS_MAX)]
    assert left_out(rows) == 3
    assert left_out(rows[:-1]) == 0, "then they are missing"
