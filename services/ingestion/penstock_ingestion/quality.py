"""The quality of each stream as the folds have counted it: for `penstock show STREAM`, and for Prometheus."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from penstock.fleet import Fleet
from penstock.spec import Stream
from penstock_ingestion.fold import IngestionFold

ENDS = ("sent", "validated", "duplicates", "rejected")
OTHERS = ("late", "extra_fields", "ticks", "commands", "echoes")
VERBS = ("refused", "nulled", "clipped", "warned")

Streams = Callable[[], Mapping[str, Stream]]
Folds = Mapping[int, IngestionFold]


def quality_of(stream: Stream, folds: Folds, now_ms: int) -> dict[str, Any]:
    """What became of a stream's events in these partitions, by rule and by field, and how fresh it is. No value of any event is told.

    `age_s`: wall time since the newest event was appended; `per_s`: events in the last whole minute. `is_stale` and `is_slow` compare
    them with what the specification expects; None where it expects nothing.
    """
    counts: Counter[str] = Counter()
    for fold in folds.values():
        counts.update(fold.counts)
    newest_ms = max((fold.arrivals.newest_ms for fold in folds.values() if fold.arrivals.newest_ms is not None), default=None)
    age_s = None if newest_ms is None else max(0, now_ms - newest_ms) / 1_000
    per_s, expect = sum(fold.arrivals.per_s(now_ms) for fold in folds.values()), stream.expect
    times_ms = [fold.event_time_ms for fold in folds.values() if fold.event_time_ms is not None]
    return {
        "partitions": sorted(folds),
        "of_partitions": stream.partitions,
        "counts": {name: counts[name] for name in (*ENDS, *OTHERS)},
        "rejected": _after("rejected", counts),
        "fields": _by_field(counts),
        "event_time_ms": max(times_ms, default=None),
        "age_s": age_s,
        "per_s": per_s,
        "is_stale": None if expect.every_ms is None else age_s is None or age_s * 1_000 > expect.every_ms,
        "is_slow": None if expect.per_s is None else per_s < expect.per_s,
        "parked": sorted(parked_in(folds)),
        "personal": [name for name, field in stream.fields.items() if field.personal],
    }


def parked_in(folds: Folds) -> set[str]:
    """The sources that are parked in any of these partitions."""
    return set().union(*(fold.parked for fold in folds.values()))


def _after(prefix: str, counts: Counter[str]) -> dict[str, int]:
    return {name.removeprefix(f"{prefix}."): counts[name] for name in sorted(counts) if name.startswith(f"{prefix}.")}


def _by_field(counts: Counter[str]) -> list[dict[str, Any]]:
    """A row for every field and rule that was broken: how many events were refused, nulled, clipped, let through with a warning."""
    rows: dict[str, dict[str, int]] = {}
    for verb in VERBS:
        for place, number in _after(verb, counts).items():
            rows.setdefault(place, dict.fromkeys(VERBS, 0))[verb] = number
    return [{"field": field, "rule": rule, **row} for place, row in sorted(rows.items()) for field, _, rule in [place.partition(".")]]


def folds_of(fleet: Fleet) -> Callable[[str], Folds]:
    """The living folds of a stream in this process, by partition."""

    def find(stream: str) -> Folds:
        runner = fleet.runners.get(f"ingestion/{stream}")
        return {number: fold for number, fold in (runner.folds if runner else {}).items() if isinstance(fold, IngestionFold)}

    return find


def route(streams: Streams, folds: Callable[[str], Folds], now_ms: Callable[[], int]) -> Route:
    """GET /streams/<stream>: its quality as JSON."""

    async def answer(request: Request) -> Response:
        name = request.path_params["stream"]
        if name not in streams():
            raise HTTPException(404, f"there is no stream {name}")
        return JSONResponse(quality_of(streams()[name], folds(name), now_ms()))

    return Route("/streams/{stream}", answer, methods=["GET"])


class FreshnessGauges(Collector):
    """Age and rate of every partition, and what is expected of its stream, read when they are asked for."""

    def __init__(self, streams: Streams, folds: Callable[[str], Folds], now_ms: Callable[[], int]) -> None:
        self._streams, self._folds, self._now_ms = streams, folds, now_ms

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Gauges by stream and partition; the expected ones by stream."""
        age = GaugeMetricFamily("penstock_stream_age_s", "Time since the newest event was appended (s)", labels=["stream", "partition"])
        rate = GaugeMetricFamily("penstock_stream_per_s", "Events in the last whole minute, per second", labels=["stream", "partition"])
        every = GaugeMetricFamily("penstock_stream_expected_every_s", "A stream is stale after so long (s)", labels=["stream"])
        expected = GaugeMetricFamily("penstock_stream_expected_per_s", "A stream is slow with fewer events per second", labels=["stream"])
        now_ms = self._now_ms()
        for name, stream in self._streams().items():
            for partition, fold in self._folds(name).items():
                if fold.arrivals.newest_ms is not None:
                    age.add_metric([name, str(partition)], max(0, now_ms - fold.arrivals.newest_ms) / 1_000)
                rate.add_metric([name, str(partition)], fold.arrivals.per_s(now_ms))
            if stream.expect.every_ms is not None:
                every.add_metric([name], stream.expect.every_ms / 1_000)
            if stream.expect.per_s is not None:
                expected.add_metric([name], stream.expect.per_s)
        return age, rate, every, expected
