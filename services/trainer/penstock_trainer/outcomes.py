"""Outcomes: the end of each prediction, with what was served and what every living version would have answered."""

from typing import Any

from penstock.fold.origin import origin_of
from penstock.fold.protocol import Output, Record
from penstock.records import Origin, Writer
from penstock.tasks import written
from penstock_trainer.cohort import Cohort, Scores
from penstock_trainer.pending import Entry


class Outcomes:
    """Writes outcomes with their origin: the record that caused them, and a running index among its outputs."""

    def __init__(self, write: Writer, topic: str, generation: int) -> None:
        self._write = write
        self._topic = topic
        self._generation = generation
        self._record: Record
        self._index = 0

    def begin(self, record: Record) -> None:
        """From here on outcomes are caused by this record."""
        self._record, self._index = record, 0

    def labelled(self, asked: Entry, prediction: Any, label: Any, label_offset: int, cohort: Cohort, revision: int = 0) -> Output:
        """The outcome of a prediction whose label has come; with a revision it takes the place of another."""
        delay_ms = label["event_time_ms"] - asked.event_time_ms
        end = {"kind": "labelled", "label": label["value"], "label_position": label_offset, "label_delay_ms": delay_ms}
        return self._outcome(asked, prediction, {**end, "revision": revision}, cohort)

    def expired(self, asked: Entry, prediction: Any, cohort: Cohort) -> Output:
        """The outcome of a prediction whose label did not come within the horizon."""
        return self._outcome(asked, prediction, {"kind": "expired"}, cohort)

    def quarantined(self, asked: Entry, prediction: Any, cohort: Cohort, revision: int) -> Output:
        """The outcome of a prediction that reached no learner, or whose label did not; with a revision it takes the place of another."""
        return self._outcome(asked, prediction, {"kind": "quarantined", "revision": revision}, cohort)

    def _outcome(self, asked: Entry, prediction: Any, end: dict[str, Any], cohort: Cohort) -> Output:
        value = self._write(
            {
                "event_time_ms": asked.event_time_ms,
                "origin": self._origin(),
                "event_id": prediction["event_id"],
                "served_score": prediction["score"],
                "served_probabilities": prediction.get("probabilities"),
                "served_version": prediction["version"],
                "served_age_ms": prediction["age_ms"],
                "scores": _still_living(asked.scores, cohort),
                "prediction_position": asked.offset,
                **end,
            }
        )
        return Output(self._topic, 0, prediction["entity"].encode(), value)

    def _origin(self) -> Origin:
        record, index = self._record, self._index
        self._index += 1
        return origin_of(record, self._generation, index)


def _still_living(scores: Scores, cohort: Cohort) -> list[dict[str, Any]]:
    return [{"version": number, **written(answer)} for number, answer in scores if cohort.versions[number].live]
