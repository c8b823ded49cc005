"""Hostile bytes are refused with StateError and nothing else, and run nothing."""

import random
import struct
from importlib.metadata import version
from typing import Any

import msgpack
import pytest

from penstock.codec import Limits, Malformed, NotAllowed, StateError, TooLarge, WrongVersion, decode, encode
from tests.unit.codec.cases import trained

RIVER = version("river")
MEAN = "river.stats.mean.Mean"
MEAN_LAYOUT = [MEAN, "_mean", "n"]


def _document(nodes: Any, layouts: Any = (), river_version: str = RIVER) -> bytes:
    packed: bytes = msgpack.packb(["rsc1", river_version, list(layouts), nodes])
    return packed


def _mean(*values: Any) -> bytes:
    return _document([[14, 0, *values]], [MEAN_LAYOUT])


def _raw(after_nodes: bytes) -> bytes:
    """A document with one list node that holds hand-made bytes."""
    return bytes(_document([[1, None]])[:-1]) + after_nodes


def _nested(depth: int) -> Any:
    value: Any = [32, 0]
    for _ in range(depth):
        value = [32, 1, value]
    return value


WORDS = bytes(4 * 624)
ADWIN = "river._river_rust.drift.AdaptiveWindowing"
CORPUS: dict[str, bytes] = {
    "empty": b"",
    "pickle": b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00\x7d\x94\x8c\x01\x61\x94\x4b\x01\x73\x2e",
    "truncated": trained("tree")[:-1],
    "truncated in the middle": trained("tree")[:5000],
    "trailing byte": trained("tree") + b"\x00",
    "not a document": msgpack.packb([1, 2]),
    "another format": msgpack.packb(["rsc2", RIVER, [], [[1]]]),
    "no nodes": _document([]),
    "nodes not an array": _document(7),
    "layouts not an array": msgpack.packb(["rsc1", RIVER, 7, [[1]]]),
    "another river": _document([[1]], river_version="0.25.0"),
    "map": _document([[1, {}]]),
    "map with content": _document([[1, {"a": 1}]]),
    "extension": _document([[1, msgpack.ExtType(5, b"x")]]),
    "timestamp": _document([[1, msgpack.Timestamp(1)]]),
    "array of 4 GiB": b"\xdd\xff\xff\xff\xff",
    "bytes of 4 GiB": b"\xc6\xff\xff\xff\xff",
    "text of 4 GiB": b"\xdb\xff\xff\xff\xff",
    "map of 4 GiB": b"\xdf\xff\xff\xff\xff",
    "a million deep": b"\x91" * 1_000_000,
    "400 tuples deep": _document([[1, _nested(400)]]),
    "33 tuples deep": _document([[1, _nested(33)]]),
    "not a minimal integer": _raw(b"\xd1\x00\x05"),
    "not a minimal text": _raw(b"\xd9\x01a"),
    "short float": _raw(b"\xca\x3f\x80\x00\x00"),
    "another NaN": _raw(b"\xcb" + struct.pack(">Q", 0x7FF8000000000001)),
    "text that is not UTF-8": _raw(b"\xa1\xff"),
    "unknown class": _document([[14, 0]], [["os.Popen"]]),
    "os:system as a class": _document([[14, 0]], [["os:system"]]),
    "subprocess as a class": _document([[14, 0, 1]], [["subprocess.Popen", "args"]]),
    "os.system as a function": _document([[1, [35, "os.system"]]]),
    "eval as a factory": _document([[4, [35, "builtins.eval"]]]),
    "callable that is no text": _document([[1, [35, [32, 0]]]]),
    "constructor as a method": _document([[14, 0, 1.0, 1.0], [1, [37, [0], f"{MEAN}.__init__"]]], [MEAN_LAYOUT]),
    "method of another class": _document(
        [[1, [1], [37, [1], "river.drift.page_hinkley.PageHinkley._test_both"]], [14, 0, 1.0, 1.0]], [MEAN_LAYOUT]
    ),
    "River class outside the list": _document([[14, 0]], [["river.preprocessing.scale.RobustScaler"]]),
    "__class__ as an attribute": _document([[14, 0, 1.0, "x", 1.0]], [[MEAN, "__class__", "_mean", "n"]]),
    "learn_one as an attribute": _document([[14, 0, 1.0, 1.0, "x"]], [[MEAN, "_mean", "n", "update"]]),
    "derived attribute": _document([[14, 0, None, [1]], [5]], [["river.compose.pipeline.Pipeline", "_plan", "steps"]]),
    "attribute missing": _document([[14, 0, 1.0]], [[MEAN, "n"]]),
    "attribute twice": _document([[14, 0, 1.0, 1.0, 1.0]], [[MEAN, "_mean", "n", "n"]]),
    "attributes out of order": _document([[14, 0, 1.0, 1.0]], [[MEAN, "n", "_mean"]]),
    "attribute of another type": _mean("1.0", 1.0),
    "huge count": _mean(1.0, [34, (10**4000).to_bytes(1662, "big")]),
    "bool for a number": _mean(True, 1.0),
    "bytes for a number": _mean(b"x", 1.0),
    "value too many": _mean(1.0, 1.0, 1.0),
    "value too few": _mean(1.0),
    "layout empty": _document([[14, 0]], [[]]),
    "layout of numbers": _document([[14, 0]], [[1, 2]]),
    "layout that does not exist": _document([[14, 1, 1.0, 1.0]], [MEAN_LAYOUT]),
    "layout below zero": _document([[14, -1, 1.0, 1.0]], [MEAN_LAYOUT]),
    "layout missing": _document([[14]]),
    "layout not used": _document([[1]], [MEAN_LAYOUT]),
    "layout twice": _document([[1, [1], [2]], [14, 0, 1.0, 1.0], [14, 1, 1.0, 1.0]], [MEAN_LAYOUT, MEAN_LAYOUT]),
    "layouts out of order": _document(
        [[1, [1], [2]], [14, 1, 1.0, 1.0], [14, 0, 0.1]], [["river.optim.schedulers.Constant", "learning_rate"], MEAN_LAYOUT]
    ),
    "dangling reference": _document([[1, [1]]]),
    "negative reference": _document([[1, [-1]]]),
    "reference out of order": _document([[1, [2], [1]], [1], [1]]),
    "reference that is a text": _document([[1, ["0"]]]),
    "node not reachable": _document([[1], [1]]),
    "cycle not reachable": _document([[1], [1, [2]], [1, [1]]]),
    "node empty": _document([[]]),
    "node of unknown kind": _document([[99]]),
    "node of a bool kind": _document([[True]]),
    "inline of unknown kind": _document([[1, [99, 0]]]),
    "empty array as a value": _document([[1, []]]),
    "tuple with a wrong count": _document([[1, [32, 2, 1]]]),
    "tuple with a float count": _document([[1, [32, 1.0, 1]]]),
    "key twice": _document([[2, "a", 1, "a", 2]]),
    "key twice as int and float": _document([[2, 1, 1, 1.0, 2]]),
    "key without a value": _document([[2, "a"]]),
    "key that hashes by address": _document([[2, [1], 1], [14, 0, 1.0, 1.0]], [MEAN_LAYOUT]),
    "key that does not hash": _document([[2, [1], 1], [1]]),
    "set out of order": _document([[3, 2, 1]]),
    "set with an element twice": _document([[3, 1, 1]]),
    "set with 1 and 1.0": _document([[3, 1, 1.0]]),
    "set of objects": _document([[3, [1]], [14, 0, 1.0, 1.0]], [MEAN_LAYOUT]),
    "frozenset out of order": _document([[1, [33, 2, 2, 1]]]),
    "frozenset with 1 and 1.0": _document([[1, [33, 2, 1, 1.0]]]),
    "defaultdict without a factory part": _document([[4]]),
    "deque longer than its maximum": _document([[7, 1, 1, 2]]),
    "deque of huge maximum": _document([[7, 10**18]]),
    "deque of a text maximum": _document([[7, "x"]]),
    "big integer of 1 MB": _document([[1, [34, b"\x7f" * 1_000_000]]]),
    "big integer that is small": _document([[1, [34, b"\x01"]]]),
    "big integer not minimal": _document([[1, [34, b"\x00" * 3 + b"\x7f" * 9]]]),
    "generator too short": _document([[8, 3, b"abc", 0, None]]),
    "generator of another version": _document([[8, 2, WORDS, 0, None]]),
    "generator position outside": _document([[8, 3, WORDS, 625, None]]),
    "generator position negative": _document([[9, WORDS, -1, 0, 0.0]]),
    "generator with parts missing": _document([[8]]),
    "array of objects": _document([[10, "|O", "C", b"x" * 8, 1]]),
    "array of a wrong size": _document([[10, "<f8", "C", b"x" * 8, 2]]),
    "array of a huge size": _document([[10, "<f8", "C", b"", 10**12, 0]]),
    "array of negative size": _document([[10, "<f8", "C", b"x" * 8, -1]]),
    "array in order F that is order C": _document([[10, "<f8", "F", b"x" * 8, 1]]),
    "array of false booleans": _document([[10, "|b1", "C", b"\x07", 1]]),
    "numpy scalar of a false boolean": _document([[1, [36, "|b1", b"\x07"]]]),
    "numpy scalar of a wrong size": _document([[1, [36, "<f8", b"x"]]]),
    "numpy scalar of objects": _document([[1, [36, "|O", b"x" * 8]]]),
    "rust class outside the list": _document([[11, "river._river_rust.stats.RsQuantile", b""]]),
    "rust state too short": _document([[11, ADWIN, b"abc", 0.002, 32, 5, 5, 10]]),
    "rust state too long": _document([[11, ADWIN, b"\x00" * 5000, 0.002, 32, 5, 5, 10]]),
    "rust without arguments": _document([[11, ADWIN, b""]]),
    "rust with huge arguments": _document([[11, ADWIN, b"", 0.002, 2**40, 5, 5, 10]]),
    "rust state of text": _document([[11, ADWIN, "abc", 0.002, 32, 5, 5, 10]]),
    "vector of text": _document([[12, "a", "b"]]),
    "vector of whole numbers": _document([[12, "a", 1]]),
    "vector with a key twice": _document([[12, "a", 1.0, "a", 2.0]]),
    "vector with a key alone": _document([[12, "a"]]),
    "normal of negative deviation": _document([[13, 0.0, -1.0]]),
}


@pytest.mark.parametrize("name", CORPUS)
def test_hostile_bytes_are_refused(name: str) -> None:
    with pytest.raises(StateError):
        decode(CORPUS[name])


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("another river", WrongVersion),
        ("os:system as a class", NotAllowed),
        ("eval as a factory", NotAllowed),
        ("method of another class", NotAllowed),
        ("attribute of another type", Malformed),
        ("33 tuples deep", TooLarge),
    ],
)
def test_the_refusal_says_of_which_kind_it_is(name: str, error: type[StateError]) -> None:
    with pytest.raises(error) as caught:
        decode(CORPUS[name])
    assert caught.value.path
    assert caught.value.reason


def test_the_path_leads_to_the_place() -> None:
    with pytest.raises(Malformed) as caught:
        decode(_document([[2, "a", [1]], [14, 0, 1.0, "x"]], [MEAN_LAYOUT]))
    assert caught.value.path == "model['a'].n"


def test_limits_cap_bytes_and_nodes() -> None:
    data = trained("tree")
    with pytest.raises(TooLarge, match="bytes"):
        decode(data, Limits(size_bytes_max=len(data) - 1))
    with pytest.raises(TooLarge, match="nodes"):
        decode(data, Limits(nodes_max=10))
    assert encode(decode(data, Limits(size_bytes_max=len(data)))) == data


def test_shared_nodes_do_not_expand() -> None:
    laughs = [[1, [number + 1], [number + 1]] for number in range(60)]
    assert encode(decode(_document([*laughs, [1]]))) == _document([*laughs, [1]])


def _changed(data: bytes, source: random.Random) -> bytes:
    position = source.randrange(len(data))
    return data[:position] + bytes([data[position] ^ (1 << source.randrange(8))]) + data[position + 1 :]


@pytest.mark.parametrize("name", ["tree-adaptive", "logistic-adam", "rocauc", "adwin", "gaussian-bayes"])
def test_a_flipped_bit_is_refused_or_is_another_state(name: str) -> None:
    source = random.Random(name)
    data = trained(name)
    for _ in range(100):
        changed = _changed(data, source)
        try:
            model = decode(changed)
        except StateError:
            continue
        assert encode(model) == changed
