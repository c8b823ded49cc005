from penstock.kafka.topics import RETENTION_MS, TopicSpec
from penstock.spec import Spec, load
from penstock_registry.topics import platform_topics, topics_of

SPEC = """
streams:
  flights: {key: origin, id: flight, time: at, partitions: 3, fields: {flight: string, origin: string, at: timestamp, distance: double}}
  arrivals: {key: origin, partitions: 3, fields: {flight: string, origin: string, delay: double}}
views:
  basic: {from: flights, select: [distance]}
models:
  late:
    task: binary_classification
    view: basic
    label: {from: arrivals, id: flight, positive: "delay > 15", horizon: 48h}
    preprocess: [{select: numbers, then: preprocessing.StandardScaler}]
    learners: {sgd: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.02}}}}
    champion: sgd
    promotion: {mode: automatic, metric: log_loss, after_labels: 100, margin: 0.01}
"""


def spec() -> Spec:
    return load(SPEC)


def test_streams_have_their_partitions_and_what_asks_is_co_partitioned() -> None:
    found = {topic.name: topic.partitions for topic in topics_of(spec(), "") if topic.kind != "dlq"}
    assert found == {
        "drift": 1,
        "registry": 1,
        "events.flights": 3,
        "validated.flights": 3,
        "events.arrivals": 3,
        "validated.arrivals": 3,
        "features.late": 3,
        "predictions.late": 3,
        "learning.late": 1,
        "outcomes.late": 1,
    }


def test_every_topic_has_dead_letters_and_every_kind_a_retention() -> None:
    topics = topics_of(spec(), "")
    names = {topic.name for topic in topics}
    assert {f"dlq.{topic.name}" for topic in topics if topic.kind != "dlq"} <= names
    assert {topic.kind for topic in topics} <= set(RETENTION_MS)


def test_before_anything_is_applied_there_are_drift_and_registry() -> None:
    assert platform_topics("team.") == [
        TopicSpec("team.drift", "drift"),
        TopicSpec("team.registry", "registry"),
        TopicSpec("team.dlq.drift", "dlq"),
        TopicSpec("team.dlq.registry", "dlq"),
    ]
