"""Another runtime without another River: the same state, as it would stand there if that River had written it."""

from typing import Any

import msgspec

OLD, NEW, OTHER = ('{"river":"0.25.0"}', '{"river":"0.26.1"}', '{"river":"0.27.0"}')


def written_by(river: str, blob: bytes) -> bytes:
    """The bytes of a learner, as another River would have begun them."""
    form, _, layouts, nodes = msgspec.msgpack.decode(blob)
    return msgspec.msgpack.encode([form, river, layouts, nodes])


def aged(value: Any, river: str) -> Any:
    """A decoded snapshot in which all that the codec has written is written by another River."""
    if isinstance(value, bytes) and value.startswith(b"\x94\xa4rsc1"):
        return written_by(river, value)
    if isinstance(value, list):
        return [aged(each, river) for each in value]
    return {name: aged(each, river) for name, each in value.items()} if isinstance(value, dict) else value
