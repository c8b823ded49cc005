"""Where runners count: Prometheus counters and gauges named penstock_<name>, made when they are first used."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge


class PrometheusMetrics:
    """Metrics for a runner (penstock.fold.setup.Metrics); a name always has the same labels.

    >>> registry = CollectorRegistry()
    >>> PrometheusMetrics(registry).count("restarts", fold="trainer/m", kind="SendFailed")
    >>> registry.get_sample_value("penstock_restarts_total", {"fold": "trainer/m", "kind": "SendFailed"})
    1.0
    """

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self._registry = registry
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""
        if name not in self._counters:
            self._counters[name] = Counter(f"penstock_{name}", f"Runner: {name}", list(labels), registry=self._registry)
        self._counters[name].labels(**labels).inc(amount)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        if name not in self._gauges:
            self._gauges[name] = Gauge(f"penstock_{name}", f"Runner: {name}", list(labels), registry=self._registry)
        self._gauges[name].labels(**labels).set(value)
