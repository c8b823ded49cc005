"""What stops a trainer loudly: a log that cannot be folded here."""

from penstock.errors import PenstockError
from penstock.fold.protocol import Record


class RuntimeChanged(PenstockError):
    """The log is folded under a runtime that is not this process's."""

    def __init__(self, model: str, wanted: str, ours: str) -> None:
        super().__init__(f"{model} is folded under {wanted}, and this process is {ours}. Try: run the trainer with that runtime")


class LogIncomplete(PenstockError):
    """The log does not go on where the fold has ended: what is missing cannot be learned again."""

    def __init__(self, record: Record, position: int) -> None:
        super().__init__(f"{record.topic} goes on at offset {record.offset}, the fold has ended before {position}. Try: restore the topic")
