"""`learned_once`, and `counts_add_up` for a trainer: each prediction ends once, each label teaches once, and the counts agree."""

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.marks import Hashes, Marks
from penstock.invariants.seen import Handler, Seen, Standing
from penstock.tasks import LABELLED, PREDICTIONS

FLAGS = {"labelled": 1, "expired": 2, "quarantined": 4}  # how a prediction has ended; the last of several is the one that counts
LABEL = 8  # a label that an outcome has used


class Learnt(NamedTuple):
    """What a checkpoint says of its version's lessons: since its birth `learned` + `skipped`."""

    reference: str
    born_position: int
    position: int
    labels: int


class LearnedOnce:
    """Outcomes of one model against its learning log; feed the learning log first."""

    def __init__(self, unit: str, learning: str, outcomes: str, horizon_ms: int, standing: Standing, paced_by: str = LABELLED) -> None:
        self._unit, self._learning, self._outcomes = unit, learning, outcomes
        self._horizon_ms = horizon_ms
        self._end = standing.next_offset(unit, learning, 0)
        self._counts = next((stood.counts for stood in standing.of(unit).values()), None)
        self._ids = Hashes()
        self._ended = Marks()
        self._labelled_at: dict[int, int] = {}  # hash of an event id → event time of its last labelled question
        self._labels = array("q")  # the offsets that caused labelled outcomes, in order
        self._asked = array("q")  # the offsets of predictions, in order, where these teach
        self._paced_by = paced_by
        self._found: Counter[str] = Counter()
        self._starts: dict[str, int] = {}
        self._once = Breaks("learned_once")

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        return {self._learning: self._logged, self._outcomes: self._ended_so}

    def _logged(self, seen: Seen) -> None:
        self._starts.setdefault(self._learning, seen.record.offset)
        if seen.name in ("Prediction", "Label"):
            self._ids.put(0, seen.record.offset, (seen.name, seen.value["event_id"]))
            if seen.name == "Prediction" and seen.fresh:
                if self._paced_by == PREDICTIONS:
                    self._asked.append(seen.record.offset)
                self._found["predictions"] += seen.record.offset < self._end

    def _ended_so(self, seen: Seen) -> None:
        self._starts.setdefault(self._outcomes, seen.record.offset)
        if seen.name != "Outcome" or not seen.fresh or seen.origin is None:
            return
        value, caused = seen.value, seen.origin["offset"]
        self._once.checked += 1
        if value.get("revision", 0):
            self._revise(seen, caused)
            return
        if caused < self._end:
            self._found[value["kind"]] += 1
        self._end_once(seen, "Prediction", value["prediction_position"], FLAGS[value["kind"]])
        if value["kind"] == "labelled":
            self._labels.append(caused)
            self._end_once(seen, "Label", value["label_position"], LABEL)
            self._teach(seen)

    def _revise(self, seen: Seen, caused: int) -> None:
        """A rewind says that a prediction ended otherwise: its outcome before, if it had one, counts no more."""
        kind, position = seen.value["kind"], seen.value["prediction_position"]
        before = self._ended.get(0, position)
        if caused < self._end:
            self._found[kind] += 1
            self._found.subtract([name for name, flag in FLAGS.items() if before & flag][-1:])
        id = seen.value["event_id"]
        if position >= self._starts.get(self._learning, 0) and not self._ids.holds(0, position, ("Prediction", id)):
            self._once.add(f"{seen.where} ends {id} with {self._learning}[0]:{position}, where no Prediction of it stands")
        self._ended.add(0, position, FLAGS[kind])

    def _end_once(self, seen: Seen, name: str, position: int, flag: int) -> None:
        """An outcome names a prediction, and a labelled one its label; each of them once."""
        id, place = seen.value["event_id"], f"{self._learning}[0]:{position}"
        if position >= self._starts.get(self._learning, 0) and not self._ids.holds(0, position, (name, id)):
            self._once.add(f"{seen.where} ends {id} with {place}, where no {name} of it stands")
        elif self._ended.get(0, position):
            self._once.add(f"{seen.where} ends {id} with {place}, which another outcome has used")
        self._ended.add(0, position, flag)

    def _teach(self, seen: Seen) -> None:
        """An id is remembered for two horizons of event time; within them it teaches once."""
        id, asked_ms = seen.value["event_id"], seen.value["event_time_ms"]
        before_ms = self._labelled_at.get(hash(id))
        if before_ms is not None and abs(asked_ms - before_ms) <= 2 * self._horizon_ms:
            self._once.add(f"{seen.where} is the second labelled outcome of {id}")
        self._labelled_at[hash(id)] = asked_ms

    def checkpoint_says(self, learnt: Learnt) -> None:
        """Compare what a version says it was taught with the lessons of its life; it was born before the record at `born_position`."""
        topic, lessons = (self._outcomes, self._labels) if self._paced_by == LABELLED else (self._learning, self._asked)
        if self._starts.get(topic, 0):
            return
        found = bisect_left(lessons, learnt.position) - bisect_left(lessons, learnt.born_position)
        repeated = self._repeated if self._paced_by == PREDICTIONS else 0  # these taught nothing
        self._once.expect(
            found - repeated <= learnt.labels <= found,
            f"{learnt.reference}, born at {learnt.born_position}, has taken {learnt.labels:,} lessons; {topic} has {found:,}",
        )

    @property
    def _repeated(self) -> int:
        return (self._counts or {}).get("predictions.repeated", 0)

    def counts(self) -> Finding:
        """predictions = pending + labelled + expired + quarantined, as the logs have them and as the trainer counts."""
        breaks = Breaks("counts_add_up")
        if self._counts is None:
            return breaks.finding()
        repeated = self._repeated
        known = {name: self._counts.get(name, 0) for name in ("predictions", "labelled", "expired", "quarantined")}
        known["predictions"] += repeated
        for name, counted in known.items():
            topic = self._learning if name == "predictions" else self._outcomes
            found = self._found[name]
            breaks.checked += found
            if found > counted or (found < counted and not self._starts.get(topic, 0)):
                breaks.add(f"{topic}[0]: {found:,} {name} from below offset {self._end}, {self._unit} has counted {counted:,}")
        pending = known["predictions"] - repeated - sum(known[name] for name in ("labelled", "expired", "quarantined"))
        breaks.expect(pending >= 0, f"{self._unit}: more predictions have ended than were made: {dict(known)}")
        return breaks.finding()

    def finding(self) -> Finding:
        """See Checker."""
        return self._once.finding()


def living_counts_add_up(model: str, counts: Mapping[str, int]) -> Finding:
    """The sum as the living fold has it, with the predictions that it holds open."""
    breaks = Breaks("counts_add_up")
    ended = {name: counts.get(name, 0) for name in ("pending", "labelled", "expired", "quarantined")}
    total = sum(ended.values())
    said = " + ".join(f"{number:,} {name}" for name, number in ended.items() if number)
    breaks.expect(
        counts.get("predictions", 0) == total, f"trainer/{model}: {counts.get('predictions', 0):,} predictions, but {said or '0'}"
    )
    return breaks.finding()
