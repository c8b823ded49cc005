"""JSON lines, from a file or from standard input: each line is sent as it is."""

import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from penstock.errors import PenstockError
from penstock.replay import Message
from penstock.sources.lines import read_lines
from penstock.spec.stream import Stream
from penstock.spec.values import parse_time_ms

LINE_BYTES_MAX = 16_000_000
YEAR_10000_MS = 253_402_300_800_000


@dataclass(slots=True)
class JsonLines:
    """The lines of a file, or of standard input where `path` is None, as events of a stream; `limit` lines (0: all)."""

    path: Path | None
    stream: Stream
    limit: int = 0
    lines: int = field(default=0, init=False)
    read_bytes: int = field(default=0, init=False)

    @property
    def done(self) -> int:
        return self.lines if self.limit else self.read_bytes

    @property
    def total(self) -> int | None:
        return self.limit or (None if self.path is None else self.path.stat().st_size)

    async def messages(self) -> AsyncIterator[Message]:
        """See Reader. Raises: PenstockError, also for a line that no message can hold; OSError."""
        if self.path is None and sys.stdin is None:
            raise PenstockError("there is no standard input. Try: a file; or a pipe, such as … | penstock produce STREAM -")
        with contextlib.nullcontext(sys.stdin) if self.path is None else self.path.open("rb") as file:
            async with aclosing(read_lines(file.fileno(), LINE_BYTES_MAX)) as lines:
                async for line in lines:
                    self.lines += 1
                    self.read_bytes += len(line)
                    if body := line.strip():
                        yield from_line(body, self.stream)
                    if self.lines == self.limit:
                        return


def from_line(line: bytes, stream: Stream) -> Message:
    """The line as it is; its event time, if it can be told, for --speed and --close."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    fields = event if isinstance(event, dict) else {}
    time = fields.get(stream.time) if stream.time else None
    time_ms = time if type(time) is int else parse_time_ms(time) if isinstance(time, str) else None
    is_time = time_ms is not None and 0 <= time_ms < YEAR_10000_MS
    return Message(stream.name, str(fields.get(stream.key, "")), line, time_ms if is_time else None)
