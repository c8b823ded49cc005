"""One way for every service to start, be watched and end: settings, logs, metrics, health, signals, a single exit path."""

import asyncio
import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from penstock.crashpoint import CrashPoints
from penstock.errors import PenstockError, UsageError
from penstock.metrics import PrometheusMetrics
from penstock.settings import Settings, schema_of

SERVICES = ("ingestion", "feature_store", "trainer", "registry", "deployer", "monitor")
EXIT_OK, EXIT_FAILED = 0, 1


@dataclass(frozen=True, slots=True)
class Card:
    """What a service consumes, produces and owns; topics are families such as "events.*". `Process.topic` names no others."""

    name: str
    consumes: tuple[str, ...]
    produces: tuple[str, ...]
    owns: tuple[str, ...]


Counts = Callable[[], Iterable[tuple[dict[str, str], dict[str, float]]]]


@dataclass(slots=True)
class Process:
    """What a service's `main` gets: its settings, its log, and ways to say that it is ready and what it has counted."""

    card: Card
    settings: Settings
    log: Any
    ready: bool = False
    counts: list[Counts] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    metrics: PrometheusMetrics = field(init=False)
    crash_points: CrashPoints = field(init=False)

    def __post_init__(self) -> None:
        self.registry.register(_FoldCounts(self))
        self.metrics = PrometheusMetrics(self.registry)
        self.crash_points = CrashPoints(self.settings.crash_at)

    def topic(self, family: str, name: str = "") -> str:
        """The full name of a topic, which must be on the card: `topic("learning", "flights-late")`."""
        named = f"{family}.*" if name else family
        assert named in (*self.card.consumes, *self.card.produces), f"{named} is not on the card of {self.card.name}"
        return self.prefixed(f"{family}.{name}" if name else family)

    @property
    def schema(self) -> str:
        """The PostgreSQL schema of this service: its tables, and the snapshots of its folds."""
        return schema_of(self.settings.topic_prefix, self.card.name)

    def prefixed(self, name: str) -> str:
        """A name with the prefix of this installation: two may share a Kafka and a database."""
        return self.settings.topic_prefix + name


Main = Callable[[Process], Coroutine[Any, Any, None]]


def main(name: str) -> int:
    """Run the service `name` until SIGTERM or SIGINT; the exit code of the process."""
    log = _logger(name, Settings().log_level)
    try:
        card, service = _load(name)
        gc.freeze()  # what is imported stays: without it a full collection looks at 130,000 objects of River for 70 to 110 ms
        asyncio.run(_serve(Process(card, Settings(), log), service))
    except PenstockError as error:
        log.error("stopped", reason=str(error))
        return error.exit_code
    except BaseExceptionGroup as group:
        return _report(log, group)
    return EXIT_OK


def _load(name: str) -> tuple[Card, Main]:
    try:
        package = importlib.import_module(f"penstock_{name}")
        return package.CARD, importlib.import_module(f"penstock_{name}.main").main
    except ModuleNotFoundError as error:
        if name not in SERVICES:
            raise UsageError(f'there is no service "{name}". Try one of: {", ".join(SERVICES)}') from error
        extra = name.replace("_", "-")
        raise UsageError(f"the service {name} needs the module {error.name}. Try: pip install 'penstock[{extra}]'") from error


def _report(log: Any, group: BaseExceptionGroup[BaseException]) -> int:
    known, unknown = group.split(PenstockError)
    for error in _leaves(known):
        log.error("stopped", reason=str(error))
    for error in _leaves(unknown):
        log.error("crashed", exc_info=error)
    return max((error.exit_code for error in _leaves(known) if isinstance(error, PenstockError)), default=EXIT_FAILED)


def _leaves(group: BaseExceptionGroup[BaseException] | None) -> Iterable[BaseException]:
    for error in group.exceptions if group else ():
        yield from _leaves(error) if isinstance(error, BaseExceptionGroup) else (error,)


async def _serve(process: Process, service: Main) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with serve_http(_operations(process), process.settings.bind, process.settings.ops_port), asyncio.TaskGroup() as tasks:
        work = tasks.create_task(service(process))
        stop = tasks.create_task(stopping.wait())
        await asyncio.wait((work, stop), return_when=asyncio.FIRST_COMPLETED)
        process.ready = False
        process.log.info("stopping")
        stop.cancel()
        work.cancel()


@contextlib.asynccontextmanager
async def serve_http(app: Starlette, host: str, port: int) -> AsyncIterator[int]:
    """Serve an HTTP application while inside; yields the port. Raises: PenstockError when the port cannot be had."""
    config = uvicorn.Config(app, host=host, port=port, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    listener = listening(config)
    task = asyncio.create_task(server._serve([listener]))  # serve() would take the signals, which are ours
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()


def listening(config: uvicorn.Config) -> socket.socket:
    """A socket at the configured address, whose connections send at once. Raises: PenstockError when the port cannot be had.

    asyncio sets TCP_NODELAY only for sockets that were made with the protocol's number, which uvicorn leaves out; without it Nagle's
    algorithm and the client's delayed acknowledgement keep back the body of every answer but the first of a connection for 40 ms.
    """
    try:
        listener = config.bind_socket()
    except SystemExit as error:
        raise PenstockError(f"cannot listen on {config.host}:{config.port}: the port is taken. Try: penstock doctor") from error
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts inherits it
    return listener


def _operations(process: Process) -> Starlette:
    async def healthy(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        identity = {"service": process.card.name, "pid": os.getpid(), "ready": process.ready}
        return JSONResponse(identity, 200 if process.ready else 503)

    async def metrics(_: Request) -> Response:
        return Response(exposition(process), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/healthz", healthy), Route("/readyz", ready), Route("/metrics", metrics)])


def exposition(process: Process) -> bytes:
    """Everything that is measured here, as Prometheus reads it: by the folds, by the runners, and of this operating-system process."""
    return generate_latest(REGISTRY) + generate_latest(process.registry)


class _FoldCounts(Collector):
    """Gauges of what the folds have counted: part of their state, therefore exact across crashes."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """One gauge family; its labels say which fold and which count."""
        gauges: dict[tuple[str, ...], GaugeMetricFamily] = {}
        for source in self._process.counts:
            for labels, counts in source():
                family = gauges.setdefault(
                    tuple(labels), GaugeMetricFamily("penstock_count", "Counted by a fold", labels=[*labels, "name"])
                )
                for name, value in counts.items():
                    family.add_metric([*labels.values(), name], value)
        return gauges.values()


def _logger(name: str, level: str) -> Any:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger().bind(service=name)


def ingestion() -> None:
    """The console script penstock-ingestion."""
    sys.exit(main("ingestion"))


def feature_store() -> None:
    """The console script penstock-feature-store."""
    sys.exit(main("feature_store"))


def trainer() -> None:
    """The console script penstock-trainer."""
    sys.exit(main("trainer"))


def registry() -> None:
    """The console script penstock-registry."""
    sys.exit(main("registry"))


def deployer() -> None:
    """The console script penstock-deployer."""
    sys.exit(main("deployer"))


def monitor() -> None:
    """The console script penstock-monitor."""
    sys.exit(main("monitor"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) == 2 else ""))
