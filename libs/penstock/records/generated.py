"""The platform's records. Generated from schemas/avro by `make generate`; do not edit."""

# fmt: off
# ruff: noqa: E501

from typing import Any, Literal, TypedDict

Features = dict[str, float | int | str | bool | None]
"""The features of one event by name; their schema is the model's own."""


class Cut(TypedDict):
    """A range of a learning log whose predictions and labels reach no learner."""

    start: int
    """The first offset of the range."""
    end: int
    """The offset behind its last one."""


class Origin(TypedDict):
    """Where a fold's output came from. Law II: origins make repeats harmless."""

    topic: str
    """Input topic."""
    generation: int
    """Raised in the spec when the input topic is made anew."""
    partition: int
    """Input partition."""
    offset: int
    """Offset of the input record."""
    index: int
    """Index among the outputs of that record, from 0."""


class DriftDetected(TypedDict):
    """A change in a stream, with evidence; on drift, and as a command on learning.<model>."""

    event_time_ms: int
    """Event time of the outcome at which it was detected (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    origin: Origin | None
    """The outcome that caused the detection; null in a command."""
    cause: str
    """Identity of the cause; the first record with it in log order wins, later ones change nothing."""
    model: str
    """Model whose stream drifted."""
    kind: Literal["concept", "covariate", "prior", "prediction"]
    """What drifted."""
    signal: str
    """The watched signal, such as loss."""
    detector: str
    """Detector with its parameters."""
    statistic: float
    """Value of the signal after the change."""
    baseline: float
    """Value of the signal before the change."""
    severity: float
    """Change in units of the signal's standard deviation."""
    window_from: int
    """First offset of the learning log in the window of evidence."""
    window_to: int
    """Last offset of that window."""
    labels: int
    """Labelled outcomes seen by the detector so far."""


class FeatureVector(TypedDict):
    """The features of one event, as of its event time, on features.<model>."""

    event_time_ms: int
    """Event time of the question (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    origin: Origin
    """The record that caused this one; a reader drops what is not higher than what it has accepted."""
    event_id: str
    """Identity of the question; its label names it."""
    entity: str
    """Key of the stream."""
    watermark_ms: int
    """Event time that every partition of the stream had reached when this was asked (ms since the epoch, UTC); 0001-01-01 while one has not been heard."""
    features: Features
    """Values as computed; null where there is none."""


class Label(TypedDict):
    """The truth about one prediction, when it became known, on learning.<model>."""

    event_time_ms: int
    """Event time at which the label became known (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    origin: Origin
    """The record that caused this one; a reader drops what is not higher than what it has accepted."""
    event_id: str
    """Identity of the prediction it labels."""
    value: bool | float | str
    """The truth: boolean for binary classification and anomalies, string for multiclass, double for regression and forecasting."""


class VersionScore(TypedDict):
    """What one live version answered."""

    version: int
    """The version."""
    score: float
    """What it answered: see Prediction."""
    probabilities: dict[str, float] | None
    """The probability of every class that it knew; null unless the task is multiclass."""


class Outcome(TypedDict):
    """The end of one prediction: labelled, expired or quarantined, on outcomes.<model>."""

    event_time_ms: int
    """Event time of the question (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    origin: Origin
    """The record that caused this one; a reader drops what is not higher than what it has accepted."""
    event_id: str
    """Identity of the question."""
    kind: Literal["labelled", "expired", "quarantined"]
    """How it ended."""
    label: bool | float | str | None
    """The truth; null unless labelled."""
    served_score: float | None
    """The score that was served."""
    served_version: int
    """The version that served."""
    scores: list[VersionScore]
    """The prequential answer of every version that was live when asked and still is, lowest version first."""
    prediction_position: int
    """Offset of the prediction in the learning log."""
    label_position: int | None
    """Offset of the label in the learning log."""
    label_delay_ms: int | None
    """Event time of the label less that of the question, in ms."""
    served_age_ms: int | None
    """Age of the model that answered, in ms of event time."""
    served_probabilities: dict[str, float] | None
    """The probabilities that were served; null unless the task is multiclass."""
    revision: int
    """0, or the number of the rewind that says so: the outcome with the highest one is how the prediction ended."""


class Prediction(TypedDict):
    """One answer, with the features as served; the same bytes stand on predictions.<model> and learning.<model>."""

    event_time_ms: int
    """Event time of the question (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    origin: Origin
    """The record that caused this one; a reader drops what is not higher than what it has accepted."""
    event_id: str
    """Identity of the question; its label names it."""
    entity: str
    """Key of the stream."""
    watermark_ms: int
    """Event time that every partition of the stream had reached when this was asked (ms since the epoch, UTC); 0001-01-01 while one has not been heard."""
    features: Features
    """The features as served."""
    score: float | None
    """Probability of the positive class, or of the likeliest one; a value, a forecast, or an anomaly score: as the model's task is. Null when nothing served yet, or nothing could be said."""
    version: int
    """Version that answered; 0 when nothing served yet."""
    position: int
    """The answering checkpoint had learned every offset of the learning log below this one."""
    age_ms: int | None
    """Event time of the question less the checkpoint's watermark, in ms."""
    predicted_class: str | None
    """The likeliest class; null unless the task is multiclass."""
    probabilities: dict[str, float] | None
    """The probability of every class that was known; null unless the task is multiclass."""


class Rebuilt(TypedDict):
    """A command: the whole log is folded again under another runtime, and the model goes on from there as new versions."""

    event_time_ms: int
    """Time of the rebuild (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    cause: str
    """Identity of the cause; the first record with it in log order wins, later ones change nothing."""
    runtime: str
    """The runtime fingerprint under which the log is folded from here on, canonical JSON."""
    versions: dict[str, str]
    """The learner of every version that the registry knows, by number: these numbers are never given again."""
    told: int
    """What the records below this offset have caused was told under the runtime before."""
    reason: str
    """Why, in the words of whoever asked for it."""


class RegistryEntry(TypedDict):
    """One thing in the registry as it stands now, on the compacted topic registry; its key is kind/name."""

    event_time_ms: int
    """Time of the change (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    kind: str
    """stream, view, model, version, checkpoint, alias, schema or subject."""
    name: str
    """Name within the kind."""
    revision: int
    """Raised by every change of this thing."""
    body: str
    """The thing itself, JSON."""


class Rewound(TypedDict):
    """A command: the log is folded again without some of its predictions and labels, and the model goes on from there as new versions."""

    event_time_ms: int
    """Time of the rewind (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    cause: str
    """Identity of the cause; the first record with it in log order wins, later ones change nothing."""
    to: int
    """The log is folded again from this offset or an earlier one."""
    cuts: list[Cut]
    """What is left out, at or behind `to`; none: everything from `to` up to this record."""
    reason: str
    """Why, in the words of whoever asked for it."""


class Serve(TypedDict):
    """From here on this checkpoint answers. Written to features.<model> by the deployer's agent, forwarded unchanged to learning.<model>."""

    event_time_ms: int
    """Watermark of the checkpoint: event time up to which it has learned (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    cause: str
    """Identity of the cause; the first record with it in log order wins, later ones change nothing."""
    revision: int
    """Revision of the alias; with the position it orders serves, and a lower pair is ignored."""
    version: int
    """Version that answers."""
    position: int
    """The checkpoint has learned every offset of the learning log below this one."""
    digest: str
    """SHA-256 of the learner's bytes, in hex."""


class SpecApplied(TypedDict):
    """A command: the model follows this specification from here on. Record 0 of every learning log."""

    event_time_ms: int
    """Time of the apply (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    cause: str
    """Identity of the cause; the first record with it in log order wins, later ones change nothing."""
    spec_version: int
    """Version of the model's specification in the registry."""
    spec: str
    """The model's specification, canonical JSON."""
    runtime: str
    """The runtime fingerprint under which the log is folded, canonical JSON."""
    partitions: int
    """Partitions of features.<model>: so many sources feed the model's clock, and it waits until each has been heard."""


class Tick(TypedDict):
    """Event time has come this far at a source, though no event says so."""

    event_time_ms: int
    """Time that the source has reached (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest."""
    origin: Origin | None
    """The record that caused this tick; null when the source itself sent it. Ticks are monotone, so a repeat is harmless."""
    source: str
    """Topic whose clock this is."""
    partition: int
    """Partition of that topic."""
    idle: bool
    """True: the source has been read to its end for a while. Who reads its ticks may lift it to where the other sources are at this place of the log."""


SCHEMAS: dict[str, dict[str, Any]] = {
    "Cut": {'type': 'record', 'name': 'Cut', 'namespace': 'penstock', 'doc': 'A range of a learning log whose predictions and labels reach no learner.', 'fields': [{'name': 'start', 'type': 'long', 'doc': 'The first offset of the range.'}, {'name': 'end', 'type': 'long', 'doc': 'The offset behind its last one.'}]},
    "Origin": {'type': 'record', 'name': 'Origin', 'namespace': 'penstock', 'doc': "Where a fold's output came from. Law II: origins make repeats harmless.", 'fields': [{'name': 'topic', 'type': 'string', 'doc': 'Input topic.'}, {'name': 'generation', 'type': 'int', 'doc': 'Raised in the spec when the input topic is made anew.'}, {'name': 'partition', 'type': 'int', 'doc': 'Input partition.'}, {'name': 'offset', 'type': 'long', 'doc': 'Offset of the input record.'}, {'name': 'index', 'type': 'int', 'doc': 'Index among the outputs of that record, from 0.'}]},
    "DriftDetected": {'type': 'record', 'name': 'DriftDetected', 'namespace': 'penstock', 'doc': 'A change in a stream, with evidence; on drift, and as a command on learning.<model>.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Event time of the outcome at which it was detected (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'origin', 'type': ['null', 'penstock.Origin'], 'doc': 'The outcome that caused the detection; null in a command.', 'default': None}, {'name': 'cause', 'type': 'string', 'doc': 'Identity of the cause; the first record with it in log order wins, later ones change nothing.'}, {'name': 'model', 'type': 'string', 'doc': 'Model whose stream drifted.'}, {'name': 'kind', 'type': {'type': 'enum', 'name': 'DriftKind', 'namespace': 'penstock', 'symbols': ['concept', 'covariate', 'prior', 'prediction']}, 'doc': 'What drifted.'}, {'name': 'signal', 'type': 'string', 'doc': 'The watched signal, such as loss.'}, {'name': 'detector', 'type': 'string', 'doc': 'Detector with its parameters.'}, {'name': 'statistic', 'type': 'double', 'doc': 'Value of the signal after the change.'}, {'name': 'baseline', 'type': 'double', 'doc': 'Value of the signal before the change.'}, {'name': 'severity', 'type': 'double', 'doc': "Change in units of the signal's standard deviation."}, {'name': 'window_from', 'type': 'long', 'doc': 'First offset of the learning log in the window of evidence.'}, {'name': 'window_to', 'type': 'long', 'doc': 'Last offset of that window.'}, {'name': 'labels', 'type': 'long', 'doc': 'Labelled outcomes seen by the detector so far.'}]},
    "Features": {'type': 'record', 'name': 'Features', 'namespace': 'penstock', 'doc': "Placeholder: in every model's own schemas this record holds the features of its view, each nullable.", 'fields': []},
    "FeatureVector": {'type': 'record', 'name': 'FeatureVector', 'namespace': 'penstock', 'doc': 'The features of one event, as of its event time, on features.<model>.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Event time of the question (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'origin', 'type': 'penstock.Origin', 'doc': 'The record that caused this one; a reader drops what is not higher than what it has accepted.'}, {'name': 'event_id', 'type': 'string', 'doc': 'Identity of the question; its label names it.'}, {'name': 'entity', 'type': 'string', 'doc': 'Key of the stream.'}, {'name': 'watermark_ms', 'type': 'long', 'doc': 'Event time that every partition of the stream had reached when this was asked (ms since the epoch, UTC); 0001-01-01 while one has not been heard.', 'default': -62135596800000}, {'name': 'features', 'type': 'penstock.Features', 'doc': 'Values as computed; null where there is none.'}]},
    "Label": {'type': 'record', 'name': 'Label', 'namespace': 'penstock', 'doc': 'The truth about one prediction, when it became known, on learning.<model>.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Event time at which the label became known (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'origin', 'type': 'penstock.Origin', 'doc': 'The record that caused this one; a reader drops what is not higher than what it has accepted.'}, {'name': 'event_id', 'type': 'string', 'doc': 'Identity of the prediction it labels.'}, {'name': 'value', 'type': ['boolean', 'double', 'string'], 'doc': 'The truth: boolean for binary classification and anomalies, string for multiclass, double for regression and forecasting.'}]},
    "VersionScore": {'type': 'record', 'name': 'VersionScore', 'namespace': 'penstock', 'doc': 'What one live version answered.', 'fields': [{'name': 'version', 'type': 'int', 'doc': 'The version.'}, {'name': 'score', 'type': 'double', 'doc': 'What it answered: see Prediction.'}, {'name': 'probabilities', 'type': ['null', {'type': 'map', 'values': 'double'}], 'doc': 'The probability of every class that it knew; null unless the task is multiclass.', 'default': None}]},
    "Outcome": {'type': 'record', 'name': 'Outcome', 'namespace': 'penstock', 'doc': 'The end of one prediction: labelled, expired or quarantined, on outcomes.<model>.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Event time of the question (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'origin', 'type': 'penstock.Origin', 'doc': 'The record that caused this one; a reader drops what is not higher than what it has accepted.'}, {'name': 'event_id', 'type': 'string', 'doc': 'Identity of the question.'}, {'name': 'kind', 'type': {'type': 'enum', 'name': 'OutcomeKind', 'namespace': 'penstock', 'symbols': ['labelled', 'expired', 'quarantined']}, 'doc': 'How it ended.'}, {'name': 'label', 'type': ['null', 'boolean', 'double', 'string'], 'doc': 'The truth; null unless labelled.', 'default': None}, {'name': 'served_score', 'type': ['null', 'double'], 'doc': 'The score that was served.', 'default': None}, {'name': 'served_version', 'type': 'int', 'doc': 'The version that served.'}, {'name': 'scores', 'type': {'type': 'array', 'items': 'penstock.VersionScore'}, 'doc': 'The prequential answer of every version that was live when asked and still is, lowest version first.'}, {'name': 'prediction_position', 'type': 'long', 'doc': 'Offset of the prediction in the learning log.'}, {'name': 'label_position', 'type': ['null', 'long'], 'doc': 'Offset of the label in the learning log.', 'default': None}, {'name': 'label_delay_ms', 'type': ['null', 'long'], 'doc': 'Event time of the label less that of the question, in ms.', 'default': None}, {'name': 'served_age_ms', 'type': ['null', 'long'], 'doc': 'Age of the model that answered, in ms of event time.', 'default': None}, {'name': 'served_probabilities', 'type': ['null', {'type': 'map', 'values': 'double'}], 'doc': 'The probabilities that were served; null unless the task is multiclass.', 'default': None}, {'name': 'revision', 'type': 'int', 'doc': '0, or the number of the rewind that says so: the outcome with the highest one is how the prediction ended.', 'default': 0}]},
    "Prediction": {'type': 'record', 'name': 'Prediction', 'namespace': 'penstock', 'doc': 'One answer, with the features as served; the same bytes stand on predictions.<model> and learning.<model>.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Event time of the question (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'origin', 'type': 'penstock.Origin', 'doc': 'The record that caused this one; a reader drops what is not higher than what it has accepted.'}, {'name': 'event_id', 'type': 'string', 'doc': 'Identity of the question; its label names it.'}, {'name': 'entity', 'type': 'string', 'doc': 'Key of the stream.'}, {'name': 'watermark_ms', 'type': 'long', 'doc': 'Event time that every partition of the stream had reached when this was asked (ms since the epoch, UTC); 0001-01-01 while one has not been heard.', 'default': -62135596800000}, {'name': 'features', 'type': 'penstock.Features', 'doc': 'The features as served.'}, {'name': 'score', 'type': ['null', 'double'], 'doc': "Probability of the positive class, or of the likeliest one; a value, a forecast, or an anomaly score: as the model's task is. Null when nothing served yet, or nothing could be said.", 'default': None}, {'name': 'version', 'type': 'int', 'doc': 'Version that answered; 0 when nothing served yet.'}, {'name': 'position', 'type': 'long', 'doc': 'The answering checkpoint had learned every offset of the learning log below this one.'}, {'name': 'age_ms', 'type': ['null', 'long'], 'doc': "Event time of the question less the checkpoint's watermark, in ms.", 'default': None}, {'name': 'predicted_class', 'type': ['null', 'string'], 'doc': 'The likeliest class; null unless the task is multiclass.', 'default': None}, {'name': 'probabilities', 'type': ['null', {'type': 'map', 'values': 'double'}], 'doc': 'The probability of every class that was known; null unless the task is multiclass.', 'default': None}]},
    "Rebuilt": {'type': 'record', 'name': 'Rebuilt', 'namespace': 'penstock', 'doc': 'A command: the whole log is folded again under another runtime, and the model goes on from there as new versions.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Time of the rebuild (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'cause', 'type': 'string', 'doc': 'Identity of the cause; the first record with it in log order wins, later ones change nothing.'}, {'name': 'runtime', 'type': 'string', 'doc': 'The runtime fingerprint under which the log is folded from here on, canonical JSON.'}, {'name': 'versions', 'type': {'type': 'map', 'values': 'string'}, 'doc': 'The learner of every version that the registry knows, by number: these numbers are never given again.'}, {'name': 'told', 'type': 'long', 'doc': 'What the records below this offset have caused was told under the runtime before.'}, {'name': 'reason', 'type': 'string', 'doc': 'Why, in the words of whoever asked for it.', 'default': ''}]},
    "RegistryEntry": {'type': 'record', 'name': 'RegistryEntry', 'namespace': 'penstock', 'doc': 'One thing in the registry as it stands now, on the compacted topic registry; its key is kind/name.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Time of the change (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'kind', 'type': 'string', 'doc': 'stream, view, model, version, checkpoint, alias, schema or subject.'}, {'name': 'name', 'type': 'string', 'doc': 'Name within the kind.'}, {'name': 'revision', 'type': 'long', 'doc': 'Raised by every change of this thing.'}, {'name': 'body', 'type': 'string', 'doc': 'The thing itself, JSON.'}]},
    "Rewound": {'type': 'record', 'name': 'Rewound', 'namespace': 'penstock', 'doc': 'A command: the log is folded again without some of its predictions and labels, and the model goes on from there as new versions.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Time of the rewind (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'cause', 'type': 'string', 'doc': 'Identity of the cause; the first record with it in log order wins, later ones change nothing.'}, {'name': 'to', 'type': 'long', 'doc': 'The log is folded again from this offset or an earlier one.'}, {'name': 'cuts', 'type': {'type': 'array', 'items': 'penstock.Cut'}, 'doc': 'What is left out, at or behind `to`; none: everything from `to` up to this record.'}, {'name': 'reason', 'type': 'string', 'doc': 'Why, in the words of whoever asked for it.', 'default': ''}]},
    "Serve": {'type': 'record', 'name': 'Serve', 'namespace': 'penstock', 'doc': "From here on this checkpoint answers. Written to features.<model> by the deployer's agent, forwarded unchanged to learning.<model>.", 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Watermark of the checkpoint: event time up to which it has learned (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'cause', 'type': 'string', 'doc': 'Identity of the cause; the first record with it in log order wins, later ones change nothing.'}, {'name': 'revision', 'type': 'long', 'doc': 'Revision of the alias; with the position it orders serves, and a lower pair is ignored.'}, {'name': 'version', 'type': 'int', 'doc': 'Version that answers.'}, {'name': 'position', 'type': 'long', 'doc': 'The checkpoint has learned every offset of the learning log below this one.'}, {'name': 'digest', 'type': 'string', 'doc': "SHA-256 of the learner's bytes, in hex."}]},
    "SpecApplied": {'type': 'record', 'name': 'SpecApplied', 'namespace': 'penstock', 'doc': 'A command: the model follows this specification from here on. Record 0 of every learning log.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Time of the apply (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'cause', 'type': 'string', 'doc': 'Identity of the cause; the first record with it in log order wins, later ones change nothing.'}, {'name': 'spec_version', 'type': 'int', 'doc': "Version of the model's specification in the registry."}, {'name': 'spec', 'type': 'string', 'doc': "The model's specification, canonical JSON."}, {'name': 'runtime', 'type': 'string', 'doc': 'The runtime fingerprint under which the log is folded, canonical JSON.'}, {'name': 'partitions', 'type': 'int', 'default': 1, 'doc': "Partitions of features.<model>: so many sources feed the model's clock, and it waits until each has been heard."}]},
    "Tick": {'type': 'record', 'name': 'Tick', 'namespace': 'penstock', 'doc': 'Event time has come this far at a source, though no event says so.', 'fields': [{'name': 'event_time_ms', 'type': 'long', 'doc': 'Time that the source has reached (ms since the epoch, UTC). Always the first field: readers peek at it without decoding the rest.'}, {'name': 'origin', 'type': ['null', 'penstock.Origin'], 'doc': 'The record that caused this tick; null when the source itself sent it. Ticks are monotone, so a repeat is harmless.', 'default': None}, {'name': 'source', 'type': 'string', 'doc': 'Topic whose clock this is.'}, {'name': 'partition', 'type': 'int', 'doc': 'Partition of that topic.'}, {'name': 'idle', 'type': 'boolean', 'doc': 'True: the source has been read to its end for a while. Who reads its ticks may lift it to where the other sources are at this place of the log.'}]},
}
