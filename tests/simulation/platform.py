"""One run: the whole platform in one process, a world drawn from a seed, faults, and then calm until everything has settled."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any

from penstock.fold.ladder import Keep, Rung
from penstock.fold.limits import Limits
from penstock.fold.protocol import LogRecord
from penstock.fold.snapshots import MemorySnapshots
from penstock.kafka.memory import MemoryBroker
from penstock.kafka.ports import TopicPartition
from penstock.records import Wire, platform_schema, with_features
from penstock.records.schemas import MemorySchemaRegistry, Schema
from penstock.spec import Spec
from penstock.spec.avro import feature_fields, producer_schema
from penstock_registry.topics import topics_of
from penstock_trainer.fold import TrainerFold
from tests.simulation.mischief import Mischief
from tests.simulation.processes import Host, Rates
from tests.simulation.registry import CatalogueTwin, RegistryTwin
from tests.simulation.settled import folds, pending
from tests.simulation.shop import MODEL, draw_spec, with_corrections
from tests.simulation.story import BEGIN_MS, DAY_MS, Sent, Story
from tests.simulation.twins import Outside
from tests.simulation.upgrade import Upgrade

SERVICES = ("ingestion", "feature_store", "deployer", "trainer", "monitor")
RECOVERS_S = 180.0  # under the slowest limits (3 records a round) a refold of the whole log alone takes 60 s
QUIET_S = 4.0
CORRECTIONS = 0.3  # of the runs learn what is corrected; the others draw what they drew before
UPGRADES = 0.6  # of the runs that neither rewind nor learn corrections again
LADDER = Keep(rungs=(Rung(2.0, 5), Rung(8.0, 4)))  # a run takes a minute of its time


@dataclass(frozen=True, slots=True)
class Choices:
    """What a run is like; `faults` scales every chance, 0 is a world in which nothing goes wrong."""

    seed: int
    orders: int = 0
    faults: float = 1.0


@dataclass(slots=True)
class Run:
    """What there is to look at after a run."""

    choices: Choices
    spec: Spec
    patient: bool
    outside: Outside
    hosts: list[Host]
    wire: Wire
    sent: list[tuple[LogRecord, Sent]] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)
    folds: dict[tuple[str, int], Any] = field(default_factory=dict)
    final: MemoryBroker | None = None
    virtual_s: float = 0.0
    failure: Exception | None = None

    @property
    def broker(self) -> MemoryBroker:
        """Where all logs are; after the end as they stood then, since an idle tick may come while the hosts are being stopped."""
        return self.final or self.outside.broker

    @property
    def registry(self) -> RegistryTwin:
        """The registry's twin."""
        return self.outside.registry

    def records(self, family: str, name: str = MODEL, partition: int = 0) -> list[LogRecord]:
        """One partition's log."""
        return list(self.broker.records(TopicPartition(f"{family}.{name}", partition)))

    def partitions(self, family: str, name: str = MODEL) -> range:
        """The partition numbers of a topic."""
        return range(self.broker.partitions(f"{family}.{name}"))

    def trainer_now(self) -> TrainerFold:
        """The fold of the model as it lives now."""
        return next(fold for _, _, fold in folds(self.hosts) if isinstance(fold, TrainerFold))

    def trainer(self) -> TrainerFold:
        """The fold of the model as it lived at the end."""
        fold = self.folds[f"trainer/{MODEL}", 0]
        assert isinstance(fold, TrainerFold)
        return fold


async def simulate(choices: Choices) -> Run:
    """Run one seed to its end, when all has settled, or to its `failure`: NotRecovered, or whatever a service died of."""
    random = Random(choices.seed)
    run = await make(choices, random)
    story = await tell(run, random)
    guard = asyncio.gather(*(host.run() for host in run.hosts))
    try:
        await _unless(guard, _live(run, story, random))
    except Exception as error:
        run.failure = error
    run.virtual_s = run.outside.now_s()
    guard.cancel()
    await asyncio.gather(guard, return_exceptions=True)
    return run


async def _unless(guard: "asyncio.Future[list[None]]", life: Coroutine[Any, Any, None]) -> None:
    """Live, unless a host dies of a bug meanwhile."""
    living = asyncio.create_task(life)
    either: list[asyncio.Future[Any]] = [guard, living]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not living.done():
        living.cancel()
        await asyncio.wait([living])
        guard.result()
    living.result()


async def _live(run: Run, story: Story, random: Random) -> None:
    """The story with faults; then none any more; then the ticks that close what is open."""
    run.registry.announce()
    rewinds = Random(f"rewinds {run.choices.seed}").choice([0, 0, 1, 2])  # half of the runs have none: those draw what they drew before
    mischief = Mischief(run.outside, run.hosts, run.wire, random, run.injected, rewinds)
    acting = [asyncio.create_task(act) for act in mischief.acts()] if run.choices.faults else []
    upgrading = asyncio.create_task(_upgrade(run, rewinds))
    await _feed(run, story.tell())
    for task in acting:
        task.cancel()
    await asyncio.gather(*acting, return_exceptions=True)
    mischief.stop()
    await settle(run)
    await end(run, story)
    upgrading.cancel()
    await asyncio.gather(upgrading, return_exceptions=True)


async def _upgrade(run: Run, rewinds: int) -> None:
    """Some of the runs in which nothing else makes anybody go back; what is asked for while nobody can obey is told by hand."""
    random = Random(f"upgrades {run.choices.seed}")
    relearns = run.spec.models[MODEL].label.on_correction != "count"
    if run.choices.faults and not (rewinds or relearns) and random.random() < UPGRADES:
        await Upgrade(run.outside, run.hosts, run.wire, random, run.injected).act()


async def end(run: Run, story: Story) -> None:
    """The ticks that close what is open; and what there is then."""
    for sent in story.last_ticks():
        send(run, sent)
    await settle(run)
    run.folds = {(unit, number): fold for unit, number, fold in folds(run.hosts)}
    run.final = run.broker.copy()
    for host in run.hosts:
        run.injected += host.injected
        if host.faults:
            run.injected += host.faults.injected


async def _feed(run: Run, story: list[Sent]) -> None:
    for sent in story:
        wait_s = sent.at_s - run.outside.now_s()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        send(run, sent)


def send(run: Run, sent: Sent) -> None:
    run.sent.append((run.broker.append(sent.partition, sent.key, sent.value, sent.headers), sent))


class NotRecovered(AssertionError):
    """`recovers` is broken: the faults have stopped, and yet something is not done."""


async def settle(run: Run) -> None:
    """Wait until every log is read to its end, what should serve serves, and nothing more happens."""
    deadline_s = run.outside.now_s() + RECOVERS_S
    quiet_since_s, appended = run.outside.now_s(), run.broker.appended
    while True:
        await asyncio.sleep(0.5)
        now_s, lacking = run.outside.now_s(), pending(run.outside, run.hosts, run.wire)
        if lacking or run.broker.appended != appended:
            quiet_since_s, appended = now_s, run.broker.appended
        if now_s - quiet_since_s >= QUIET_S:
            return
        if now_s > deadline_s:
            raise NotRecovered(f"recovers: {RECOVERS_S:.0f} s after the last fault {'; '.join(lacking) or 'it is still not quiet'}")


async def make(choices: Choices, random: Random, spec: Spec | None = None) -> Run:
    """The platform before its first record; its specification is drawn unless it is given, and then the world is patient."""
    loop, schemas = asyncio.get_running_loop(), MemorySchemaRegistry()
    patient = spec is not None or random.random() < 0.5
    spec = spec or draw_spec(random, patient=patient)
    if Random(f"corrections {choices.seed}").random() < CORRECTIONS:
        spec = with_corrections(spec)
    broker = MemoryBroker(lambda: BEGIN_MS + 30 * DAY_MS + int(loop.time() * 1000))
    for topic in topics_of(spec, ""):
        broker.create(topic.name, topic.partitions)
    wire = Wire(schemas)
    for schema in _schemas(spec):  # the same schema has the same id whoever registers it
        await wire.writer("any", schema)
    write = await wire.writer("registry", platform_schema("RegistryEntry"))
    registry = RegistryTwin(spec, broker, write, Random(random.randrange(1 << 30)))
    outside = Outside(broker, MemorySnapshots(LADDER, loop.time), schemas, registry, CatalogueTwin(spec), _limits(random), loop.time)
    rates = _rates(random, choices.faults)
    hosts = [Host(outside, name, instance, Random(random.randrange(1 << 30)), rates) for name in SERVICES for instance in "ab"]
    return Run(choices, spec, patient, outside, hosts, wire)


def _schemas(spec: Spec) -> list[Schema]:
    """The schemas of everything that stands in a model's topics."""
    features = feature_fields(spec.views[spec.models[MODEL].view], spec)
    platform = [
        platform_schema(name) for name in ("Label", "Tick", "Serve", "SpecApplied", "DriftDetected", "Rewound", "Rebuilt", "Outcome")
    ]
    return [*platform, *(with_features(name, features) for name in ("FeatureVector", "Prediction"))]


async def tell(run: Run, random: Random) -> Story:
    """The story of this run."""
    writers = {name: await run.wire.writer(f"events.{name}", producer_schema(stream)) for name, stream in run.spec.streams.items()}
    orders = run.choices.orders or random.randrange(40, 160)
    return Story(Random(random.randrange(1 << 30)), run.spec, writers, run.patient, seconds=random.uniform(8, 16), orders=orders)


def _limits(random: Random) -> Limits:
    return Limits(
        round_records_max=random.choice([3, 10, 50]),
        buffer_records_max=random.choice([4, 20, 200]),
        poll_ms=random.choice([200, 1_000]),
        idle_after_s=1.0,
        snapshot_every_s=random.uniform(0.3, 3.0),
        snapshot_cost_factor=0.0,
        backoff_last_s=2.0,
    )


def _rates(random: Random, scale: float) -> Rates:
    return Rates(
        crash=scale * random.choice([0.0, 0.0005, 0.002]),
        weather=scale * random.choice([0.001, 0.005]),
        freeze=scale * random.choice([0.0, 0.0003]),
        batch=scale * random.choice([0.02, 0.1]),
    )
