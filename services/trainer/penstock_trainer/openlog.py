"""A learning log that lies in a folder, open to be folded with other commands than its own."""

import contextlib
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from penstock.backtest.spool import About
from penstock.fold.cuts import Cut, Cuts
from penstock.fold.protocol import Poison, Record
from penstock.records import Wire, Writer, platform_schema
from penstock.records.wire import schema_id
from penstock_trainer.rewind import cuts_of

REWOUND = "Rewound"


@dataclass(frozen=True, slots=True)
class Commands:
    """How the commands of a candidate are written."""

    spec: Writer
    serve: Writer
    drift: Writer


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A spooled log that can be folded: its records can be read, and commands written beside them. `names`: of records, by schema id.

    `cuts`: what its rewinds have cut, all of them; whoever knows the log does not learn it.
    """

    wire: Wire
    names: Mapping[int, str]
    commands: Commands
    partitions: int
    cuts: tuple[Cut, ...] = ()

    @classmethod
    async def of(cls, seen: About) -> "OpenLog":
        """The log of a folder; every schema is known before the first record."""
        wire = Wire(seen.registry())
        for id in list(seen.schemas):
            await wire.fetch(int(id))
        commands = Commands(*[await wire.writer(seen.topic, platform_schema(name)) for name in ("SpecApplied", "Serve", "DriftDetected")])
        return cls(wire, {int(id): schema["name"] for id, schema in seen.schemas.items()}, commands, max(1, seen.partitions))

    def with_cuts_of(self, records: Iterable[Record]) -> "OpenLog":
        """The same with what the rewinds among all its records cut. One that the platform would refuse cuts nothing."""
        cuts: dict[str, tuple[Cut, ...]] = {}
        for record in records:
            with contextlib.suppress(Poison):
                if self.names.get(schema_id(record.value)) == REWOUND:
                    value = self.wire.read(record.value)[1]
                    if value["cause"] not in cuts:
                        cuts[value["cause"]] = ()
                        cuts[value["cause"]] = tuple(Cut(start, end, 1) for start, end in cuts_of(value, record, 1))
        return replace(self, cuts=tuple(cut for each in cuts.values() for cut in each))


class LiveCuts(Cuts):
    """The cuts of the live log, asked by the offsets of a candidate's, where others stand at the same place."""

    __slots__ = ("_live_offsets",)

    def __init__(self, cuts: Iterable[Cut], live_offsets: "array[int]") -> None:
        super().__init__(cuts)
        self._live_offsets = live_offsets

    def hold(self, offset: int) -> bool:
        """See Cuts."""
        return super().hold(self._live_offsets[offset])

    def brought(self, offset: int) -> int:
        """See Cuts."""
        return super().brought(self._live_offsets[offset])
