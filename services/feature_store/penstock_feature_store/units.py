"""Which views should run, from what the catalogue knows."""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from penstock.spec import Model, Spec, Stream, View
from penstock.spec.specification import Versioned, newest
from penstock_feature_store.plan import models_of, streams_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """A view that should run; its fold is made anew when `version` changes: with the view, a stream it reads, or a model's label rule."""

    view: str
    spec: Spec
    version: Hashable


def wanted(streams: Versioned[Stream], views: Versioned[View], models: Versioned[Model]) -> Iterator[Wanted]:
    """Every view whose streams are all known, in the order of names."""
    spec = newest(streams, views, models)
    for view in sorted(views):
        read = sorted(streams_of(view, spec))
        if streams.keys() >= set(read):
            labels = tuple((model.name, model.label) for model in models_of(view, spec))
            yield Wanted(view, spec, (views[view][0], tuple((name, streams[name][0]) for name in read), labels))
