"""What a step misses is brought, or said to be poison; what was brought is bounded."""

from typing import Any

import pytest

from penstock.fold.protocol import Missing, Poison
from penstock.fold.weather import Weather
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry
from penstock.registry_client import RegistryUnavailable
from penstock.rpc import NotFound, Refused
from penstock.world import BLOBS_MAX, World


class Blobs:
    """A registry that has every blob but those it answers with an error."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors

    async def blob(self, digest: str) -> bytes:
        if digest in self.errors:
            raise self.errors[digest]
        return digest.encode()


def world_of(registry: Blobs, schemas: MemorySchemaRegistry | None = None) -> World:
    nothing: Any = None
    known: Any = registry
    return World(nothing, nothing, nothing, nothing, Wire(schemas or MemorySchemaRegistry()), nothing, known)


async def test_a_blob_that_a_step_misses_is_brought() -> None:
    world = world_of(Blobs())
    await world.resolve(Missing("blob", "ab"))
    assert world.blobs == {"ab": b"ab"}


async def test_only_the_newest_blobs_are_kept() -> None:
    world = world_of(Blobs())
    for number in range(BLOBS_MAX + 3):
        await world.resolve(Missing("blob", str(number)))
    assert list(world.blobs) == [str(number) for number in range(3, BLOBS_MAX + 3)]


@pytest.mark.parametrize("error", [NotFound("no such blob"), Refused("another digest")])
async def test_a_blob_that_cannot_be_had_is_poison(error: Exception) -> None:
    with pytest.raises(Poison, match="unknown_model"):
        await world_of(Blobs(ab=error)).resolve(Missing("blob", "ab"))


async def test_a_registry_that_is_away_is_weather() -> None:
    with pytest.raises(Weather):
        await world_of(Blobs(ab=RegistryUnavailable("away"))).resolve(Missing("blob", "ab"))


async def test_a_schema_that_a_step_misses_is_brought_and_one_that_does_not_exist_is_poison() -> None:
    schemas = MemorySchemaRegistry()
    write = await Wire(schemas).writer("a", {"type": "record", "name": "A", "fields": [{"name": "x", "type": "long"}]})
    world = world_of(Blobs(), schemas)
    await world.resolve(Missing("schema", "1"))
    assert world.wire.read(write({"x": 1})) == ("A", {"x": 1})
    with pytest.raises(Poison, match="unknown_schema"):
        await world.resolve(Missing("schema", "2"))


async def test_who_may_wait_reads_a_record_of_a_schema_that_is_not_here_yet() -> None:
    schemas = MemorySchemaRegistry()
    write = await Wire(schemas).writer("a", {"type": "record", "name": "A", "fields": [{"name": "x", "type": "long"}]})
    wire = Wire(schemas)
    assert await wire.read_or_fetch(write({"x": 1})) == await wire.read_or_fetch(write({"x": 1})) == ("A", {"x": 1})
    with pytest.raises(Poison, match="unknown_schema"):
        await wire.read_or_fetch(b"\0\0\0\0\x63\x02")
