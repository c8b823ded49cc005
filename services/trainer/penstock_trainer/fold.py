"""The trainer's fold: a model as a deterministic function of its learning log. The page to read; `prequential` is its other half."""

from collections.abc import Iterable
from typing import Any

import msgspec

from penstock.fold.origin import Origins
from penstock.fold.protocol import Effect, Output, Poison, Record, Refold, Snapshot
from penstock.fold.watermark import BEGINNING_MS
from penstock.records import Wire, Writer
from penstock.spec import Model, part_from_json
from penstock_trainer.checkpoints import Place
from penstock_trainer.corrections import NEVER_MS, Correction
from penstock_trainer.errors import RuntimeChanged
from penstock_trainer.outcomes import Outcomes
from penstock_trainer.pending import Pending
from penstock_trainer.prequential import Made, Prequential
from penstock_trainer.rebuild import rebuild_of
from penstock_trainer.rewind import Rewind, cuts_of

MOVES = ("Prediction", "Tick")  # what moves the clock; corrections that are due are learned before the next of them


class TrainerFold(Prequential):
    """Folds `learning.<model>`: specs, predictions, labels, ticks, serves, drift, rewinds and rebuilds in; outcomes and checkpoints out.

    It reads nothing but the log. Its state after the record at offset n is a function of the records 0 … n, to the last bit. `runtime`
    changes nothing: when it is given, a log that is to be folded under another one is refused (design: equality is promised within one),
    unless its refold was begun up to a rebuild. Nor does `pending`, which a replay keeps in a quicker form.
    """

    def __init__(
        self,
        name: str,
        wire: Wire,
        write_outcome: Writer,
        outcomes_topic: str,
        runtime: str = "",
        generation: int = 1,
        pending: Pending | None = None,
    ) -> None:
        super().__init__(name, wire, Outcomes(write_outcome, outcomes_topic, generation), pending or Pending())
        self.spec = ""
        self.spec_version = 0
        self.causes: set[str] = set()
        self._unseen: set[int] = set()
        self._origins = Origins()
        self._runtime = runtime

    def step(self, record: Record) -> Iterable[Output | Effect]:
        """Fold one record. It is chained first, whatever it holds.

        Raises: Missing before anything else has changed; Poison; Refold; Unfit.
        """
        self.chain.append(record)
        self._recall_schemas()
        name, value = self._wire.read(record.value)
        self._outcomes.begin(record)
        if self.corrections.due_ms < self.watermark.value and name in MOVES and not self.rewinds.knows(record.offset):
            raise self._relearn(record)
        made = list(self._fold(name, value, record))
        if (rewind := self.rewinds.at(record.offset)) is not None:
            made += self._went_back(rewind, record)
        if not self.refolding:
            return made
        tells = self.tells(record.offset)  # outcomes: a checkpoint of a version that will not live is never told
        return [each for each in made if isinstance(each, Output)] if tells else ()

    def _fold(self, name: str, value: Any, record: Record) -> Made:
        match name:
            case "Prediction" if self._is_new(record, value):
                yield from self._predicted(value, record)
            case "Label" if self._is_new(record, value):
                yield from self._labelled(value, record)
            case "Tick":
                yield from self._ticked(value)
            case "Serve":
                yield from self.selection.served(self.model, value, known=self.rewinds.knew(value["version"], record.offset))
            case "SpecApplied" if self._is_first(value):
                yield from self._applied(value)
            case "DriftDetected" if self._is_first(value):
                yield from self.selection.drifted(self.model, value)
            case "Rewound" if self._is_first(value):
                yield from self._rewound(value, record)
            case "Rebuilt" if self._is_first(value):
                yield from self._rebuilt(value, record)
            case "Prediction" | "Label" | "SpecApplied" | "DriftDetected" | "Rewound" | "Rebuilt":
                self.counts["echoes"] += 1
            case _:
                raise Poison("unknown_record", f"a learning log holds no {name}")

    # What is commanded

    def _applied(self, value: Any) -> Made:
        if value["spec_version"] <= self.spec_version:
            self.counts["specs.ignored"] += 1
            return
        before, model = self.model, self._follow(value["spec"], value["spec_version"])
        if before is None:
            self._go_on_under(value["runtime"])
            self.pending.set_horizon(self.horizon_ms)
        moved = self.watermark.expect(value.get("partitions", 1))  # a log keeps the records that were written before there was this field
        yield from self.selection.applied(model, before, value)
        if moved:
            yield from self._expired()

    def _rewound(self, value: Any, record: Record) -> Made:
        """A rewind: the fold asks to come here again without what is cut; when it does, the model goes on as new versions."""
        rewind = self.rewinds.of(value["cause"])
        if rewind is None:
            raise self._refold(record, value["cause"], value["to"], cuts_of(value, record, self.spec_version))
        yield from self._went_back(rewind, record)

    def _rebuilt(self, value: Any, record: Record) -> Made:
        """A rebuild: everything before it was folded under the runtime that runs, or nobody is here; the model goes on as new versions."""
        rebuild = self.rewinds.of(value["cause"])
        if rebuild is None or record.offset == self.rewinds.until:
            rebuild = rebuild_of(value, record, self.runtime, self.selection.champion, self.selection.serving)
            self._go_on_under(rebuild.runtime)
            self.rewinds.meet(rebuild)
        self.runtime = rebuild.runtime
        yield from self._went_back(rebuild, record)

    def _relearn(self, record: Record) -> Refold:
        """The corrections that have been gathered are due: the log is folded again with the right labels."""
        due = tuple(self.corrections.all())
        return self._refold(record, f"correction:{record.offset}", due[0].asked, corrections=due)

    def _refold(
        self, record: Record, cause: str, to: int, cuts: tuple[tuple[int, int], ...] = (), corrections: tuple[Correction, ...] = ()
    ) -> Refold:
        versions = {number: version.learner_name for number, version in self.cohort.versions.items()}
        rewind = Rewind(record.offset, cause, cuts, versions, self.selection.champion, self.selection.serving, corrections)
        before = Place(self.name, record.offset, self.chain.before, self.watermark.value, self.runtime)
        return self.rewinds.ask(rewind, to, self.selection.ended(before))

    def _went_back(self, rewind: Rewind, record: Record) -> Made:
        """The fold has come again to where it went back from: the model goes on as new versions, and what ends otherwise is told."""
        assert self.model is not None, "a rewind before the first specification is poison"
        self.counts["rebuilds" if rewind.runtime else "rewinds"] += 1
        revised = self.rewinds.finish(record.offset)
        yield from self.selection.rewound(self.model, rewind)
        for asked, label, label_offset in revised:
            prediction = self._wire.read(asked.body)[1]
            if label is None:
                yield self._outcomes.quarantined(asked, prediction, self.cohort, self.rewinds.epoch)
            else:
                yield self._outcomes.labelled(asked, prediction, label, label_offset, self.cohort, self.rewinds.epoch)

    # Law II, and small helpers

    def _is_new(self, record: Record, value: Any) -> bool:
        return self._origins.accept(record.topic, record.partition, value["origin"])

    def _is_first(self, value: Any) -> bool:
        first = value["cause"] not in self.causes
        self.causes.add(value["cause"])
        return first

    def _go_on_under(self, runtime: str) -> None:
        """The log says under which runtime it is folded. Raises: RuntimeChanged if it is not ours, unless that is to change."""
        if self._runtime and runtime != self._runtime and not self.refolding:
            raise RuntimeChanged(self.name, runtime, self._runtime)
        self.runtime = runtime

    def _follow(self, spec: str, version: int) -> Model:
        self.model = model_of(self.name, spec)
        self.cohort.follow(self.model)
        self.spec, self.spec_version = spec, version
        return self.model

    def _recall_schemas(self) -> None:
        """After a restore: what is pending must be readable before anything changes. Raises: Missing."""
        while self._unseen:
            self._wire.known(min(self._unseen))
            self._unseen.remove(min(self._unseen))

    @property
    def epoch(self) -> int:
        """How many rewinds and rebuilds there have been."""
        return self.rewinds.epoch

    @property
    def refolding(self) -> bool:
        """Whether the log is being folded again, up to a rewind."""
        return self.rewinds.until is not None

    def tells(self, offset: int) -> bool:
        """Whether what the record at this offset causes is told (see Refolding)."""
        return self.rewinds.tells(offset)

    def begin(self, refold: Refold) -> None:
        """Fold the log from here on as the rewind that asked for it says (see Refolding)."""
        self.rewinds.begin(refold, self.chain.position)

    # The state

    def snapshot(self) -> Snapshot:
        """The whole state; what is pending lies in segments."""
        manifest, segments = self.pending.capture()
        state = {
            "chain": [self.chain.value, self.chain.position],
            "counts": dict(sorted(self.counts.items())),
            "spec": [self.spec_version, self.spec, self.runtime],
            "partitions": self.watermark.sources,
            "schemas": sorted(self._schemas),
            "causes": sorted(self.causes),
            "selection": self.selection.dump(),
            "watermark": self.watermark.dump(),
            "origins": self._origins.dump(),
            "lessons": self._lessons.dump(),
            "rewinds": self.rewinds.dump(),
            "corrections": self.corrections.dump(),
            "pending": manifest,
        }
        return Snapshot(msgspec.msgpack.encode(state), tuple(segments))

    def restore(self, snapshot: Snapshot) -> None:
        """Take back what `snapshot` gave."""
        state = msgspec.msgpack.decode(snapshot.state)
        self.chain.value, self.chain.position = state["chain"]
        self.counts.clear()
        self.counts.update(state["counts"])
        version, spec, runtime = state["spec"]
        self.rewinds.until = None
        if spec:
            self._go_on_under(runtime)
        self.pending.restore(state["pending"], snapshot.segments)
        self._decoded.clear()
        self.model, self.spec, self.spec_version, self.runtime = None, "", 0, runtime
        self.cohort.follow(None)
        if spec:
            self._follow(spec, version)
        self._schemas = set(state["schemas"])
        self._unseen = set(state["schemas"])
        self.causes = set(state["causes"])
        self.selection.load(state["selection"])
        self.watermark.load(state["watermark"])
        self.watermark.sources = state["partitions"]
        self._origins.load(state["origins"])
        self._lessons.load(state.get("lessons", BEGINNING_MS))  # a snapshot of before there were tasks has none
        self.rewinds.load(state.get("rewinds", []))  # a snapshot of before there were rewinds has none
        self.corrections.load(state.get("corrections", [NEVER_MS, []]))


def model_of(name: str, spec: str) -> Model:
    """The model that a specification declares. Raises: SpecError."""
    model = part_from_json("model", name, spec)
    assert isinstance(model, Model)
    return model
