"""What is known about the quality of answers, over gRPC and as Prometheus gauges."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from penstock.rpc import NotFound
from penstock.rpc.monitor.v1 import monitor_pb2, monitor_pb2_grpc
from penstock_monitor.fold import MonitorFold
from penstock_monitor.quality import Scores

Folds = Callable[[], Mapping[str, MonitorFold]]
"""The folds that live in this process, by model."""


class MonitorService(monitor_pb2_grpc.MonitorServicer):
    """Answers from the live folds: their state is the answer, so no table is read."""

    def __init__(self, folds: Folds) -> None:
        self._folds = folds

    async def GetQuality(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC's name
        """The quality of one model. Raises: NotFound if this process does not watch it."""
        fold = self._folds().get(request.model)
        if fold is None:
            raise NotFound(f'no model "{request.model}" is watched here. Try: penstock ls')
        return quality_message(fold)


def quality_message(fold: MonitorFold) -> monitor_pb2.Quality:
    """The message for a fold's state."""
    quality = fold.quality
    return monitor_pb2.Quality(
        model=fold.model.name,
        position=fold.position,
        labelled=fold.counts["labelled"],
        expired=fold.counts["expired"],
        quarantined=fold.counts["quarantined"],
        coverage=fold.coverage,
        label_delay_ms_p50=quality.delays.quantile(0.5),
        label_delay_ms_p99=quality.delays.quantile(0.99),
        base_rate=quality.base_rate,
        served=_scores(quality.served),
        prior=_scores(quality.prior),
        versions={version: _scores(scores) for version, scores in quality.versions.items()},
        drifts=[monitor_pb2.Drift(**drift._asdict()) for drift in fold.drifts],
    )


def _scores(scores: Scores) -> monitor_pb2.Scores:
    return monitor_pb2.Scores(labels=scores.labels, metrics=scores.get())


class QualityGauges(Collector):
    """The same as Prometheus gauges, read when they are asked for."""

    def __init__(self, folds: Folds) -> None:
        self._folds = folds

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Quality by model, whose answers and metric; delay quantiles, coverage and base rate by model."""
        quality = GaugeMetricFamily("penstock_quality", "Quality of answers since the first outcome", labels=["model", "of", "metric"])
        delay = GaugeMetricFamily("penstock_label_delay_ms", "Label delay in event time (ms)", labels=["model", "quantile"])
        coverage = GaugeMetricFamily("penstock_label_coverage", "Labelled share of ended predictions", labels=["model"])
        base_rate = GaugeMetricFamily("penstock_base_rate", "Share of positive labels, or what the task has instead", labels=["model"])
        for model, fold in self._folds().items():
            for of, scores in _all_scores(fold).items():
                for metric, value in scores.get().items():
                    quality.add_metric([model, of, metric], value)
            for q in (0.5, 0.99):
                delay.add_metric([model, str(q)], fold.quality.delays.quantile(q))
            coverage.add_metric([model], fold.coverage)
            base_rate.add_metric([model], fold.quality.base_rate)
        return quality, delay, coverage, base_rate


def _all_scores(fold: MonitorFold) -> Mapping[str, Scores]:
    quality = fold.quality
    return {"served": quality.served, "prior": quality.prior, **{f"version/{version}": of for version, of in quality.versions.items()}}
