"""What a producer can be told instead of an acknowledgement."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from penstock.contract.problems import Problem
from penstock.errors import PenstockError

PROBLEMS_SHOWN = 5


class ProducerError(PenstockError):
    """An event, or a producer, that cannot go on."""


class UnknownStream(ProducerError):
    """No specification that was applied has a stream of this name."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = get_close_matches(name, names, 1)
        cure = f"Did you mean {near[0]}?" if near else f"Streams: {', '.join(names) or 'none'}. Try: penstock apply"
        super().__init__(f"no stream is called {name!r}. {cure}")


class Invalid(ProducerError):
    """Events that ingestion would refuse; `problems` say which (by number, from 0), in which field, by which rule. None was sent."""

    def __init__(self, stream: str, problems: Sequence[Problem]) -> None:
        shown = [f"{problem.code}: {problem.detail}" for problem in problems[:PROBLEMS_SHOWN]]
        more = [f"and {len(problems) - PROBLEMS_SHOWN} more"] if len(problems) > PROBLEMS_SHOWN else []
        cure = f"Try: mend the event, or the fields of {stream} in the specification"
        super().__init__(f"{stream} does not take this: {'; '.join(shown + more)}. {cure}")
        self.problems = tuple(problems)


class TooLarge(ProducerError):
    """An event that no topic takes, whoever sends it."""


class NotAcknowledged(ProducerError):
    """Kafka did not answer in time. The event may stand in the log: sent again with the same id, it counts once."""


class Unavailable(ProducerError):
    """Kafka, or the platform on it, could not be reached when the producer started."""


class Closed(ProducerError):
    """The producer was closed, or never opened."""
