"""When a run is over: what is still to be done, in words."""

from collections.abc import Iterator, Sequence

from penstock.fold.protocol import Fold
from penstock.fold.runner import Runner
from penstock.kafka.ports import TopicPartition
from penstock.records import Wire
from penstock_deployer.fold import DeployerFold
from penstock_trainer.fold import TrainerFold
from tests.simulation.processes import Host
from tests.simulation.twins import Outside

FAMILIES = ("events", "validated", "features", "learning", "outcomes")


def pending(outside: Outside, hosts: Sequence[Host], wire: Wire) -> list[str]:
    """What keeps the platform from having settled; empty when it has."""
    return [*_unread(outside, hosts), *_unserved(outside, hosts), *_untold(outside, hosts, wire)]


def runners(hosts: Sequence[Host]) -> Iterator[Runner]:
    """Every living runner."""
    return (runner for host in hosts if host.fleet for runner in host.fleet.runners.values())


def folds(hosts: Sequence[Host]) -> Iterator[tuple[str, int, Fold]]:
    """Every living fold: unit, partition, fold."""
    return (each for host in hosts if host.fleet for each in host.fleet.folds())


def _unread(outside: Outside, hosts: Sequence[Host]) -> Iterator[str]:
    """`recovers`: the lag of every input is zero."""
    read: dict[TopicPartition, list[int]] = {}
    for runner in runners(hosts):
        for input, offset in runner.positions.items():
            read.setdefault(input, []).append(offset)
    for input in outside.broker.logs():
        end = outside.broker.bounds(input).end
        if input.topic.split(".")[0] in FAMILIES and any(offset != end for offset in read.get(input, [-1])):
            yield f"{input.topic}[{input.partition}] ends at {end} and is read up to {read.get(input, 'nowhere')}"


def _unserved(outside: Outside, hosts: Sequence[Host]) -> Iterator[str]:
    """`one_champion`: what the registry says is what every partition serves, and what the trainer takes for the champion."""
    found = outside.registry.serving()
    if found is None:
        yield "the registry has no champion"
        return
    rank = (found[0].revision, found[1].position)
    for unit, number, fold in folds(hosts):
        if isinstance(fold, DeployerFold) and fold.highest != rank:
            yield f"{unit}[{number}] serves {fold.highest}, the registry says {rank}"
        if isinstance(fold, TrainerFold) and fold.selection.champion != found[0].version:
            yield f"the trainer's champion is {fold.selection.champion}, the registry says {found[0].version}"


def _untold(outside: Outside, hosts: Sequence[Host], wire: Wire) -> Iterator[str]:
    """The specification and every drift have become commands."""
    drifts = {wire.read(record.value)[1]["cause"] for record in outside.broker.records(TopicPartition("drift", 0))}
    for _, _, fold in folds(hosts):
        if isinstance(fold, TrainerFold):
            if fold.spec_version != outside.registry.spec_version:
                yield f"the trainer follows specification {fold.spec_version} of {outside.registry.spec_version}"
            if drifts - fold.causes:
                yield f"{len(drifts - fold.causes)} of {len(drifts)} drifts have not become commands"
