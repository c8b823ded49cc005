"""Which topics a specification needs: every topic is made when its first reader exists."""

from collections.abc import Iterator

from penstock.kafka.topics import TopicSpec
from penstock.spec import Spec

READ_OF_A_MODEL = ("features", "predictions", "learning", "outcomes")


def platform_topics(prefix: str) -> list[TopicSpec]:
    """The topics that are there before anything is applied; the registry and the drift topic have agents that read them."""
    kinds = ("drift", "registry")
    return [TopicSpec(prefix + kind, kind) for kind in kinds] + [_dead_letters(prefix, kind) for kind in kinds]


def topics_of(spec: Spec, prefix: str) -> list[TopicSpec]:
    """The topics of every stream and model, with their dead letters.

    Features and predictions are co-partitioned with the stream that asks; a model's learning log and outcomes have one partition.
    """
    return [*platform_topics(prefix), *_of_streams(spec, prefix), *_of_models(spec, prefix)]


def _of_streams(spec: Spec, prefix: str) -> Iterator[TopicSpec]:
    for name, stream in spec.streams.items():
        for kind in ("events", "validated"):
            yield TopicSpec(f"{prefix}{kind}.{name}", kind, stream.partitions)
            yield _dead_letters(prefix, f"{kind}.{name}")


def _of_models(spec: Spec, prefix: str) -> Iterator[TopicSpec]:
    for name, model in spec.models.items():
        asked = spec.streams[spec.views[model.view].source].partitions
        for kind in READ_OF_A_MODEL:
            partitions = asked if kind in ("features", "predictions") else 1
            yield TopicSpec(f"{prefix}{kind}.{name}", kind, partitions)
            yield _dead_letters(prefix, f"{kind}.{name}")


def _dead_letters(prefix: str, topic: str) -> TopicSpec:
    return TopicSpec(f"{prefix}dlq.{topic}", "dlq")
