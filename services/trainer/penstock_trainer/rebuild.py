"""Rebuilds: a log goes on under another runtime, in which all of it was folded again (ADR 0022)."""

from collections.abc import AsyncIterable, Iterable
from typing import Any

from penstock.fold.protocol import Missing, Poison, Record, Refold
from penstock.records import Wire
from penstock.records.wire import schema_id
from penstock_trainer.rewind import Rewind, Rewinds

WRONG = "wrong_rebuild"
"""The code of a command that makes no sense, among the dead letters."""
REBUILT = "Rebuilt"


def rebuild_of(value: Any, record: Record, runtime: str, champion: int, serving: tuple[int, int]) -> Rewind:
    """The rebuild that a Rebuilt at this place asks for, of a log that is folded under `runtime` ("": not yet said). Raises: Poison."""
    if not runtime:
        raise Poison(WRONG, "there is no specification before it")
    if value["runtime"] == runtime:
        raise Poison(WRONG, "the log is folded under this runtime already")
    if not (0 <= value["told"] <= record.offset and all(number.isdecimal() for number in value["versions"])):
        raise Poison(WRONG, "what it says of the world before it makes no sense")
    versions = {int(number): learner for number, learner in value["versions"].items()}
    return Rewind(record.offset, value["cause"], (), versions, champion, serving, (), value["runtime"], value["told"])


async def demanded(log: AsyncIterable[Iterable[Record]], wire: Wire, runtime: str) -> Refold | None:
    """What a log demands of a fold under `runtime` that cannot go on at its beginning: a refold of everything up to its last rebuild.

    None if that one was for another runtime, or there is none. Of several in a row for one runtime the first counts, as in the fold.
    Raises: what reading raises.
    """
    last: tuple[Record, dict[str, Any]] | None = None
    async for records in log:
        for record in records:
            if (value := await _rebuilt(record, wire)) and (last is None or last[1]["runtime"] != value["runtime"]):
                last = record, value
    if last is None or last[1]["runtime"] != runtime:
        return None
    rebuild = rebuild_of(last[1], last[0], "another", 0, (-1, -1))  # how things stand there is found on the way
    return Rewinds().ask(rebuild, 0, ())


async def _rebuilt(record: Record, wire: Wire) -> dict[str, Any] | None:
    """The command, if the record is one; of the others only the schema is looked at."""
    try:
        id = schema_id(record.value)
        try:
            name = wire.known(id).name
        except Missing:
            await wire.fetch(id)
            name = wire.known(id).name
        return wire.read(record.value)[1] if name == REBUILT else None
    except Poison:  # junk, which the fold counts
        return None
