"""Which views run, and when their folds are made anew."""

from collections.abc import Iterable
from dataclasses import replace

from penstock.spec import Spec, load
from penstock_feature_store.units import Wanted, wanted
from tests.unit.feature_store.worlds import ONE_MODEL, SPEC, VIEW, made


def of(spec: Spec, streams: Iterable[str] = ("rides", "rain", "ends"), version: int = 1) -> list[Wanted]:
    known = {name: (1, spec.streams[name]) for name in streams}
    models = {name: (1, model) for name, model in spec.models.items()}
    return list(wanted(known, {name: (version, view) for name, view in spec.views.items()}, models))


def test_a_view_runs_when_all_its_streams_are_known() -> None:
    assert [each.view for each in of(load(SPEC))] == [VIEW]
    assert of(load(SPEC), ["rides", "rain"]) == []  # the labels' stream is not there yet


def test_a_view_starts_anew_when_it_or_its_models_change_and_not_for_a_learner() -> None:
    spec = load(ONE_MODEL)
    (first,) = of(spec)
    model = spec.models["late-b"]
    other_learner = Spec(spec.streams, spec.views, {"late-b": replace(model, checkpoint_every_labels=7)})
    other_label = Spec(spec.streams, spec.views, {"late-b": replace(model, label=replace(model.label, positive="delay > 9"))})
    assert of(other_learner)[0].version == first.version
    assert of(other_label)[0].version != first.version
    assert of(load(SPEC))[0].version != first.version
    assert of(spec, version=2)[0].version != first.version


def test_the_source_is_read_last_among_equals_in_time() -> None:
    assert made().plan.topics == ("validated.ends", "validated.rain", "validated.rides")
