"""What the fold of one view reads and where it writes: made once from the specification, with everything ready to encode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from penstock.records import Wire, Writer, platform_schema, with_features
from penstock.spec import Model, Spec
from penstock.spec.avro import feature_fields
from penstock.spec.labels import label_of
from penstock.spec.stream import record_name
from penstock.tasks import Label

TopicName = Callable[[str, str], str]
"""(family, name) → full topic name, as `Process.topic`."""


@dataclass(frozen=True, slots=True)
class Target:
    """One model that the view feeds: its topics, its label rule (`label` gives an event's label or None), its encoders."""

    model: str
    features_topic: str
    learning_topic: str
    label_stream: str
    label_id: str
    label: Callable[[Mapping[str, Any]], Label | None]
    write_vector: Writer
    write_tick: Writer
    write_label: Writer


@dataclass(frozen=True, slots=True)
class Plan:
    """One view with the models it feeds, in the order of their names; `streams` and `record_names` are by input topic."""

    view: str
    spec: Spec
    streams: Mapping[str, str]
    record_names: Mapping[str, str]
    targets: tuple[Target, ...]

    @property
    def unit(self) -> str:
        """The name of the runner's unit."""
        return f"feature_store/{self.view}"

    @property
    def generation(self) -> int:
        """The unit's generation: it rises when the topic of any of its streams is made anew."""
        return sum(self.spec.streams[stream].generation for stream in self.streams.values())

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that the fold reads, the source last: of records of one event time the question comes after what it may know."""
        source = self.spec.views[self.view].source
        return tuple(sorted(self.streams, key=lambda topic: (self.streams[topic] == source, topic)))


def streams_of(view: str, spec: Spec) -> set[str]:
    """The streams that a view needs: its source, those it joins, and those that bring its models' labels."""
    declared = spec.views[view]
    joined = {stream for compute in declared.compute.values() if (stream := getattr(compute, "stream", None))}
    return {declared.source, *joined, *(model.label.stream for model in models_of(view, spec) if model.label)}


def models_of(view: str, spec: Spec) -> list[Model]:
    """The models that a view feeds, in the order of their names."""
    return sorted((model for model in spec.models.values() if model.view == view), key=lambda model: model.name)


async def make_plan(view: str, spec: Spec, wire: Wire, topic: TopicName) -> Plan:
    """The plan of a view; registers the schemas of what it writes."""
    streams = {topic("validated", stream): stream for stream in sorted(streams_of(view, spec))}
    vector = with_features("FeatureVector", feature_fields(spec.views[view], spec))
    targets = [await _target(model, spec, vector, wire, topic) for model in models_of(view, spec)]
    return Plan(view, spec, streams, {name: record_name(stream) for name, stream in streams.items()}, tuple(targets))


async def _target(model: Model, spec: Spec, vector: dict[str, Any], wire: Wire, topic: TopicName) -> Target:
    features, learning = topic("features", model.name), topic("learning", model.name)
    return Target(
        model=model.name,
        features_topic=features,
        learning_topic=learning,
        label_stream=model.label.stream,
        label_id=model.label.id,
        label=label_of(model, spec),
        write_vector=await wire.writer(features, vector),
        write_tick=await wire.writer(features, platform_schema("Tick")),
        write_label=await wire.writer(learning, platform_schema("Label")),
    )
