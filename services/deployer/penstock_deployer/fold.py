"""The deployer's fold: feature vectors become predictions, by the checkpoint that the last Serve record named."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from penstock import codec
from penstock.fold.origin import Origins, origin_of
from penstock.fold.protocol import Missing, Output, Poison, Record, Snapshot
from penstock.fold.watermark import BEGINNING_MS
from penstock.learning import answer_of
from penstock.records import Wire, Writer
from penstock.tasks import TASKS, Answer, Learner, Task, predicted

LEARNING_PARTITION = 0


class Serving(NamedTuple):
    """The checkpoint that answers, and how far it has learned."""

    revision: int
    position: int
    version: int
    digest: str
    watermark_ms: int


UNSERVED = Serving(revision=0, position=0, version=0, digest="", watermark_ms=BEGINNING_MS)


class Topics(NamedTuple):
    """Where outputs go."""

    predictions: str
    learning: str


class Writers(NamedTuple):
    """How outputs are encoded: with the model's own schema of Prediction, and the platform's Tick."""

    prediction: Writer
    tick: Writer


class DeployerFold:
    """A function of one partition of features.<model>; every partition gets its own copy of each Serve.

    `blobs` holds the learners' bytes by digest; the fold asks for one that is not there with Missing("blob", digest).
    A Serve is taken only if its (revision, position) is higher than every one before it. Its cause is made of these two, so the same
    cause never counts twice, and no list of causes has to be kept for ever: with a checkpoint every few seconds they are not few.
    """

    def __init__(
        self,
        wire: Wire,
        write: Writers,
        topics: Topics,
        blobs: Mapping[str, bytes],
        task: Task = TASKS["binary_classification"],
        generation: int = 1,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.highest = (-1, -1)  # revision and position of the last Serve, whether it could be read or not
        self.serving: Serving | None = None
        self._learner: Learner = None
        self._is_foreign = False  # another River has written the learner that should answer
        self._told_ms = BEGINNING_MS  # the watermark that the learning log has from this partition
        self._origins = Origins()
        self._wire = wire
        self._write = write
        self._topics = topics
        self._blobs = blobs
        self._task = task
        self._generation = generation

    def step(self, record: Record) -> Iterable[Output]:
        """Fold one record of features.<model>. Raises: Missing before anything has changed; Poison."""
        name, value = self._wire.read(record.value)
        match name:
            case "FeatureVector":
                return self._answer(record, value)
            case "Serve":
                return self._serve(record, value)
            case "Tick":
                return self._tick(record, value)
        raise Poison("unexpected_record", f"{name} on {record.topic}, expected FeatureVector, Serve or Tick")

    def _answer(self, record: Record, vector: Mapping[str, Any]) -> Iterable[Output]:
        """One prediction, encoded once: users and the learning log get the same bytes."""
        self._bring()
        if not self._is_new(record, vector["origin"]):
            return ()
        given = predicted(self._ask(vector["features"]))
        serving = self.serving or UNSERVED
        by: dict[str, Any] = {"version": serving.version, "position": serving.position}
        has_learned = serving.watermark_ms > BEGINNING_MS
        by["age_ms"] = vector["event_time_ms"] - serving.watermark_ms if has_learned else None
        value = self._write.prediction({**vector, "origin": origin_of(record, self._generation), **given, **by})
        self.counts["predictions"] += 1
        self._told_ms = max(self._told_ms, vector["watermark_ms"])
        return (
            Output(self._topics.predictions, record.partition, record.key, value),
            Output(self._topics.learning, LEARNING_PARTITION, record.key, value),
        )

    def _bring(self) -> None:
        """After a restore the learner is not here. One of another River has no answers here: that is counted, and the questions go on."""
        if self.serving is not None and self._learner is None and not self._is_foreign:
            try:
                self._learner = codec.decode(self._blob(self.serving.digest))
            except codec.WrongVersion:
                self._is_foreign = True

    def _ask(self, features: Mapping[str, Any]) -> Answer | None:
        if self.serving is None or self._is_foreign:
            self.counts["unreadable" if self._is_foreign else "unserved"] += 1
            return None
        answer = answer_of(self._task, self._learner, features)
        if answer is None:
            self.counts["predict_errors"] += 1
        return answer

    def _serve(self, record: Record, serve: Mapping[str, Any]) -> Iterable[Output]:
        rank = (serve["revision"], serve["position"])
        if rank <= self.highest:
            return ()
        blob = self._blob(serve["digest"])
        self.highest = rank
        try:
            self._learner = codec.decode(blob)
        except codec.StateError as error:
            raise Poison("undecodable_model", f"{serve['cause']}: {error}") from error
        self.serving, self._is_foreign = Serving(*rank, serve["version"], serve["digest"], serve["event_time_ms"]), False
        self.counts["serves"] += 1
        return (Output(self._topics.learning, LEARNING_PARTITION, record.key, record.value),)

    def _tick(self, record: Record, tick: Mapping[str, Any]) -> Iterable[Output]:
        """The watermark of this partition goes on to the learning log, which is kept for ever: only when it has moved."""
        if tick["origin"] is not None and not self._is_new(record, tick["origin"]):
            return ()
        if tick["event_time_ms"] <= self._told_ms:
            self.counts["ticks.repeated"] += 1
            return ()
        self.counts["ticks"] += 1
        self._told_ms = tick["event_time_ms"]
        source = {"source": record.topic, "partition": record.partition}
        value = self._write.tick({**tick, **source, "origin": origin_of(record, self._generation)})
        return (Output(self._topics.learning, LEARNING_PARTITION, record.key, value),)

    def _is_new(self, record: Record, origin: Any) -> bool:
        if self._origins.accept(record.topic, record.partition, origin):
            return True
        self.counts["echoes"] += 1
        return False

    def _blob(self, digest: str) -> bytes:
        try:
            return self._blobs[digest]
        except KeyError:
            raise Missing("blob", digest) from None

    def snapshot(self) -> Snapshot:
        """The whole state but the learner, which the registry keeps under its digest."""
        state = [self._origins.dump(), sorted(self.counts.items()), self.highest, self.serving, self._told_ms]
        return Snapshot(msgspec.msgpack.encode(state))

    def restore(self, snapshot: Snapshot) -> None:
        """Take back what `snapshot` gave; the first question asks for the learner."""
        origins, counts, highest, serving, self._told_ms = msgspec.msgpack.decode(snapshot.state)
        self._origins.load(origins)
        self.counts = Counter(dict(counts))
        self.highest = (highest[0], highest[1])
        self.serving = Serving(*serving) if serving else None
        self._learner, self._is_foreign = None, False
