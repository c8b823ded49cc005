"""What stops the fold of a model loudly: a log that cannot be folded here."""

import json

from penstock.errors import PenstockError
from penstock.fold.protocol import Record, Unfit


class RuntimeChanged(Unfit):
    """The log is folded under a runtime that is not this process's."""

    def __init__(self, model: str, wanted: str, ours: str) -> None:
        cure = f"Try: penstock rebuild {model}, which folds it again under this runtime; or run the trainer with that one"
        super().__init__(f"{model} is folded under another runtime: {differences(wanted, ours)}. {cure}")


def differences(wanted: str, ours: str) -> str:
    """In what two runtimes differ.

    >>> differences('{"river": "0.25.0"}', '{"river": "0.26.1"}')
    'river 0.25.0 (here 0.26.1)'
    """
    was, is_now = json.loads(wanted), json.loads(ours)
    names = [name for name in sorted({*was, *is_now}) if was.get(name) != is_now.get(name)]
    return ", ".join(f"{name} {was.get(name)} (here {is_now.get(name)})" for name in names)


class LogIncomplete(PenstockError):
    """The log does not go on where the fold has ended: what is missing cannot be learned again."""

    def __init__(self, record: Record, position: int) -> None:
        super().__init__(f"{record.topic} goes on at offset {record.offset}, the fold has ended before {position}. Try: restore the topic")
