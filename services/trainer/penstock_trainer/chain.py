"""The hash chain of a log: one value that stands for every record so far, and the position up to which it holds."""

import hashlib

from penstock.fold.protocol import Record
from penstock_trainer.errors import LogIncomplete

KEY_LENGTH_BYTES = 4


class Chain:
    """SHA-256(previous ‖ length of the key ‖ key ‖ value) over every record; every offset below `position` is in it."""

    def __init__(self) -> None:
        self.value = bytes(32)
        self.before = self.value  # the value without the last record; no part of the state
        self.position = 0

    def append(self, record: Record) -> None:
        """Chain a record; once, though a step that missed something is taken again. Raises: LogIncomplete when records are missing."""
        if record.offset < self.position:
            return
        if record.offset > self.position:
            raise LogIncomplete(record, self.position)
        key = record.key or b""
        link = (self.value, len(key).to_bytes(KEY_LENGTH_BYTES, "big"), key, record.value or b"")
        self.before, self.value = self.value, hashlib.sha256(b"".join(link)).digest()
        self.position = record.offset + 1
