"""The bytes of a state: one canonical MessagePack document of arrays and scalars."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgpack
import msgspec

from penstock.codec.errors import Malformed, NotAllowed, TooLarge, WrongVersion

FORMAT = "rsc1"
NAN_BYTES = b"\x7f\xf8\x00\x00\x00\x00\x00\x00"
NAN: float = struct.unpack(">d", NAN_BYTES)[0]
INT_MIN, INT_MAX = -(2**63), 2**64 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """What a reader accepts and a writer makes: sizes of the whole document, the depth of one value inside a node, and time.

    `decode_s_max` is None inside a fold, which knows no clock; where bytes come in from outside it has a value. Parsing takes at most
    about 50 times the bytes in memory (an empty array is one byte there and 72 here), so `size_bytes_max` bounds that too.
    """

    size_bytes_max: int = 64 * 1024 * 1024
    nodes_max: int = 1_000_000
    depth_max: int = 32
    decode_s_max: float | None = None


DEFAULT_LIMITS = Limits()


class Document(NamedTuple):
    """A parsed state: layouts `[class, attribute, ...]` and nodes `[kind, part, ...]`, both in order of first visit."""

    layouts: Sequence[Any]
    nodes: Sequence[Any]


def pack(document: Document, river_version: str) -> bytes:
    """Write a document.

    Raises: NotAllowed for text that is not Unicode (a lone surrogate).
    """
    try:
        return msgspec.msgpack.encode([FORMAT, river_version, document.layouts, document.nodes])
    except UnicodeEncodeError as error:
        raise NotAllowed("text", f"not valid Unicode: {error.reason}") from error


def pack_value(value: Any) -> bytes:
    """The bytes of one value, by which the elements of a set are sorted."""
    return msgspec.msgpack.encode(value)


def unpack(data: bytes, river_version: str, limits: Limits) -> Document:
    """Read a document and accept it only if writing it again gives the same bytes.

    That one comparison refuses integers and headers that are not minimal, short floats and trailing bytes.
    Raises: TooLarge, Malformed, WrongVersion.
    """
    check_size(data, (), limits)
    parsed = _parse(data)
    if type(parsed) is not list or len(parsed) != 4 or parsed[0] != FORMAT:
        raise Malformed("document", f"not a {FORMAT} document of four parts")
    if parsed[1] != river_version:
        raise WrongVersion(
            "document",
            f"written by River {parsed[1]!r}, this is {river_version}. Try: penstock rebuild, which folds the log of a model again",
        )
    layouts, nodes = parsed[2], parsed[3]
    if type(layouts) is not list or type(nodes) is not list or not nodes:
        raise Malformed("document", "layouts and nodes must be arrays, with at least one node")
    check_size(data, nodes, limits)
    return Document(layouts, nodes)


def check_size(data: bytes, nodes: Sequence[Any], limits: Limits) -> None:
    """Refuse too many bytes or nodes. Raises: TooLarge."""
    if len(data) > limits.size_bytes_max:
        raise TooLarge("document", f"{len(data)} bytes, size_bytes_max is {limits.size_bytes_max}")
    if len(nodes) > limits.nodes_max:
        raise TooLarge("document", f"{len(nodes)} nodes, nodes_max is {limits.nodes_max}")


def _parse(data: bytes) -> Any:
    """msgpack reads with its limits at the input's length; msgspec writes it back, an independent check.

    Both parsers meet hostile bytes here, so whatever they raise is one answer: malformed.
    """
    try:
        parsed = msgpack.unpackb(data, raw=False, use_list=True, max_map_len=0, max_ext_len=0)
        again = msgspec.msgpack.encode(parsed)
    except Exception as error:
        raise Malformed("document", f"not MessagePack: {type(error).__name__}: {error}") from error
    if again != data:
        raise Malformed("document", "not in canonical form")
    return parsed
