"""What must hold after every run: the invariants of design §13, each by its name, against offline folds and the naive oracle."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from penstock import codec
from penstock.fold.protocol import Output
from penstock.invariants.flow import Circumstances, Invariants
from penstock.invariants.seen import Standing, Stood
from penstock.learning import present
from penstock.tasks import TASKS
from penstock_trainer.checkpoints import CheckpointMade, record_of
from penstock_trainer.cohort import canonical
from tests.simulation import offline
from tests.simulation.checks_of_events import features_are_as_of, newest_is_online, rejects_are_dead_letters, valid_is_validated
from tests.simulation.evidence import Evidence, Read, gather
from tests.simulation.oracle import answers, serving_at
from tests.simulation.platform import Run
from tests.simulation.shop import ANSWERS, BAD_BELOW, MODEL, QUESTIONS

BINARY = TASKS["binary_classification"]

Broken = Iterator[str]


async def violations_of(run: Run) -> list[str]:
    """Every invariant that the run has broken, with what shows it; empty when all hold."""
    if run.failure is not None:
        return [f"{type(run.failure).__name__}: {run.failure}"]
    evidence = await gather(run)
    return [f"{check.__name__}: {what}" for check in CHECKS for what in check(evidence)]


def same_digest(evidence: Evidence) -> Broken:
    """The living trainer is, to the last bit, what an offline fold of its log is; so are its checkpoints."""
    run, told = evidence.run, evidence.trainer
    living, folded = offline.state_of(run.trainer()), offline.state_of(told.fold)
    yield from (f"the trainer's {name} differs" for name in folded if living[name] != folded[name])
    for number, version in told.fold.cohort.versions.items():
        lived = run.trainer().cohort.versions[number]
        if codec.encode(version.learner) != codec.encode(lived.learner):
            yield f"version {number} has another digest than its offline fold"
        if canonical(record_of(version)) != canonical(record_of(lived)):
            yield f"version {number} has other metrics than its offline fold"
    made = {(each.version, each.position): each for each in told.effects if isinstance(each, CheckpointMade)}
    kept = run.registry.checkpoints
    if made.keys() != kept.keys():
        yield f"the registry has {len(kept)} checkpoints, an offline fold makes {len(made)}"
    for place in made.keys() & kept.keys():
        ours, theirs = made[place], kept[place]
        if (ours.chain, ours.digest, ours.metrics) != (theirs.chain, theirs.digest, theirs.metrics):
            yield f"checkpoint {place} has another chain, digest or metrics than in its offline fold"


def no_gap(evidence: Evidence) -> Broken:
    """What a reader accepts of every output is what an offline fold says, in its order and without a hole, byte for byte."""
    yield from _equal("outcomes", evidence.accepted("outcomes"), evidence.trainer.outputs)
    yield from _equal("drift", evidence.accepted("drift", name=""), evidence.monitor.outputs)
    for number, told in enumerate(evidence.deployers):
        predicted = [output for output in told.outputs if output.topic == f"predictions.{MODEL}"]
        yield from _equal(f"predictions[{number}]", evidence.accepted("predictions", number), predicted)
        forwarded = [each for each in told.outputs if each.topic == f"learning.{MODEL}" and evidence.wire.read(each.value)[0] != "Serve"]
        yield from _equal(f"learning of features[{number}]", evidence.learned_from(f"features.{MODEL}", number), forwarded)
        asked = [read.offset for read in evidence.accepted("features", number) if read.name == "FeatureVector"]
        learned = [read for read in evidence.learned_from(f"features.{MODEL}", number) if read.name == "Prediction"]
        if asked != [read.origin["offset"] for read in learned]:
            yield f"learning: what is answered of features[{number}] is not each of its {len(asked)} vectors once"
        yield from _features(evidence, number)


def _features(evidence: Evidence, number: int) -> Broken:
    """The feature store reads two topics: which outputs there are, and where, depends on the input alone; so do fields and labels."""
    asked = evidence.accepted("validated", number, QUESTIONS, ticks=True)
    found = evidence.accepted("features", number)
    if [read.offset for read in asked] != [read.origin["offset"] for read in found]:
        yield f"features[{number}]: {len(found)} outputs for {len(asked)} records"
        return
    for event, vector in zip(asked, found, strict=True):
        names = ("amount", "channel") if vector.name == "FeatureVector" else ()
        if any(vector.fields["features"][name] != event.fields[name] for name in names):
            yield f"features[{number}] {vector.offset}: other fields than were sent"
    labels = [read.fields for read in evidence.learned_from(f"validated.{ANSWERS}", number)]
    paid = [read.fields for read in evidence.accepted("validated", number, ANSWERS) if read.name != "Tick"]
    if [(each["event_id"], each["value"]) for each in labels] != [(each["order_id"], each["paid"] < BAD_BELOW) for each in paid]:
        yield f"labels of payments[{number}]: {len(labels)} for {len(paid)}"


def counts_add_up(evidence: Evidence) -> Broken:
    """sent = validated + rejected + duplicates, as the oracle says; predictions = pending + labelled + expired + quarantined."""
    run, counts = evidence.run, evidence.run.trainer().counts
    for judged in (evidence.questions, evidence.payments):
        for number, expected in judged.counts.items():
            found = run.folds[f"ingestion/{judged.stream}", number].counts
            names = ("sent", "validated", "duplicates", "rejected", "ticks")
            if any(found[name] != expected[name] for name in names):
                yield f"{judged.stream}[{number}]: {_some(found, names)}, the oracle says {_some(expected, names)}"
    ended = ("labelled", "expired", "quarantined")
    if counts["predictions"] != sum(counts[name] for name in ended) or run.trainer().pending.open_count:
        yield f"of predictions: {_some(counts, ('predictions', *ended))}"
    found = Counter(outcome["kind"] for outcome in evidence.ends())
    yield from (f"{found[name]} outcomes are {name}, the trainer counts {counts[name]}" for name in ended if found[name] != counts[name])
    oracle = evidence.oracle()
    for name, expected_count in oracle.counts.items():
        if counts[name] != expected_count:
            yield f"the trainer counts {counts[name]} {name}, the oracle {expected_count}"
    for version in run.trainer().cohort.live():
        due = sum(offset >= version.born_position for offset in oracle.labelled_at)
        if version.learned + version.skipped != due:
            yield f"version {version.number} learned {version.learned} and skipped {version.skipped} of {due} labels"


def learned_once(evidence: Evidence) -> Broken:
    """Every valid order has one outcome, and a second one only if it came again when its id had been forgotten (after 2 horizons).

    In a patient world nothing is forgotten, and the label is the first that was valid, unless a rewind has cut something of it.
    """
    outcomes = evidence.ends()
    ends = Counter(outcome["event_id"] for outcome in outcomes)
    expected = answers(evidence.questions, evidence.payments)
    if ends.keys() != expected.keys():
        yield f"{len(expected.keys() - ends.keys())} orders have no outcome, {len(ends.keys() - expected.keys())} outcomes no order"
    asked = evidence.oracle().asked
    yield from (f"{id} has {ends[id]} outcomes, and was asked {asked[id]} times" for id in expected if ends[id] != asked[id])
    if evidence.run.patient:
        yield from (f"{id} has {count} outcomes" for id, count in ends.items() if count > 1)
        labels = {outcome["event_id"]: outcome["label"] for outcome in outcomes}
        cut = {outcome["event_id"] for outcome in outcomes if outcome["kind"] == "quarantined"}
        wrong = [id for id, label in expected.items() if labels.get(id) != label and id not in cut]
        if wrong and evidence.run.spec.models[MODEL].label.on_correction == "count":  # else what was said last is learned
            yield f"{len(wrong)} orders have another label than was sent, such as {wrong[0]}"


def log_says_what_was_served(evidence: Evidence) -> Broken:
    """Each prediction names the Serve in force and recomputes from its checkpoint and features; users have the same bytes."""
    learners: dict[str, Any] = {}
    run = evidence.run
    users = {read.value for number in run.partitions("predictions") for read in evidence.accepted("predictions", number)}
    serving = {number: serving_at([read[:3] for read in evidence.log("features", number)]) for number in run.partitions("features")}
    for read in evidence.accepted("learning"):
        if read.name != "Prediction":
            continue
        value, id = read.fields, read.fields["event_id"]
        if read.value not in users:
            yield f"{id} has other bytes for its users"
        serve = serving[read.origin["partition"]][read.origin["offset"]]
        named = (serve["version"], serve["position"]) if serve else (0, 0)
        if (value["version"], value["position"]) != named:
            yield f"{id} says {value['version']}@{value['position']}, in force was {named[0]}@{named[1]}"
            continue
        if serve is not None and serve["digest"] not in learners:
            learners[serve["digest"]] = codec.decode(run.registry.blobs[serve["digest"]])
        score = BINARY.ask(learners[serve["digest"]], present(value["features"])) if serve else None
        if score != value["score"]:
            yield f"{id} was answered {value['score']}, {named[0]}@{named[1]} answers {score}"


def one_champion(evidence: Evidence) -> Broken:
    """The moves of the alias are a chain, each for one cause; every Serve names a checkpoint of the version that was champion."""
    run, oracle = evidence.run, evidence.oracle()
    moves = run.registry.aliases
    if [move.revision for move in moves] != list(range(1, len(moves) + 1)) or len({move.cause for move in moves}) != len(moves):
        yield f"the moves are {[(move.revision, move.cause) for move in moves]}"
    if not oracle.champion == run.trainer().selection.champion == moves[-1].version:
        yield f"the log says {oracle.champion}, the trainer {run.trainer().selection.champion}, the registry {moves[-1].version}"
    champions = {move.revision: move.version for move in moves}
    serves = [read.fields for number in run.partitions("features") for read in evidence.log("features", number) if read.name == "Serve"]
    for serve in serves:
        checkpoint = run.registry.checkpoints.get((serve["version"], serve["position"]))
        if champions.get(serve["revision"]) != serve["version"] or checkpoint is None or checkpoint.digest != serve["digest"]:
            yield f"{serve['cause']} never was champion"


def rejects_change_nothing(evidence: Evidence) -> Broken:
    """Without the junk of the learning log every version is the same."""
    if evidence.unpoisoned is not None:
        without = evidence.unpoisoned.fold.cohort.versions
        for number, version in evidence.trainer.fold.cohort.versions.items():
            if codec.encode(version.learner) != codec.encode(without[number].learner):
                yield f"version {number} is another one without the rejected records"


def finite(evidence: Evidence) -> Broken:
    """No score and no metric is NaN or infinite."""
    for number, version in evidence.run.trainer().cohort.versions.items():
        yield from (f"version {number}: {name} is {value}" for name, value in version.metrics().items() if not math.isfinite(value))
    for read in evidence.log("learning"):
        if read.name == "Prediction" and read.fields["score"] is not None and not 0.0 <= read.fields["score"] <= 1.0:
            yield f"{read.fields['event_id']} was answered {read.fields['score']}"


def penstock_verify(evidence: Evidence) -> Broken:
    """What is shipped as `penstock verify` finds nothing either: whatever has happened, it gives no false alarm."""
    run = evidence.run
    logs = list(run.broker.logs())
    stood = {
        (unit, number): Stood({each.topic: run.broker.bounds(each).end for each in logs if each.partition == number}, fold.counts)
        for (unit, number), fold in run.folds.items()
    }
    invariants = Invariants(run.spec, evidence.wire, Circumstances(Standing(stood), from_start=True))
    for topic in invariants.topics:
        for place in sorted(each for each in logs if each.topic == topic):
            for record in run.broker.records(place):
                invariants.see(record)
    for finding in invariants.findings():
        yield from (f"{finding.name}: {where}" for where in finding.broken)


CHECKS: tuple[Callable[[Evidence], Broken], ...] = (
    valid_is_validated,
    rejects_are_dead_letters,
    newest_is_online,
    features_are_as_of,
    counts_add_up,
    no_gap,
    learned_once,
    same_digest,
    log_says_what_was_served,
    one_champion,
    rejects_change_nothing,
    finite,
    penstock_verify,
)


def _equal(where: str, found: Sequence[Read], expected: Sequence[Output]) -> Broken:
    if [read.value for read in found] != [output.value for output in expected]:
        pairs = zip(found, expected, strict=False)
        first = next((index for index, (read, output) in enumerate(pairs) if read.value != output.value), min(len(found), len(expected)))
        yield f"{where}: {len(found)} are accepted, an offline fold says {len(expected)}; number {first} is the first that differs"


def _some(counts: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    return {name: counts[name] for name in names}
