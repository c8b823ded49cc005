"""Hostile documents, made by hand: each must be refused."""

import struct
from importlib.metadata import version
from typing import Any

import msgpack

from tests.codec.supported import trained

RIVER = version("river")
MEAN = "river.stats.mean.Mean"
MEAN_LAYOUT = [MEAN, "_mean", "n"]


def document(nodes: Any, layouts: Any = (), river_version: str = RIVER) -> bytes:
    """A state document, by hand."""
    packed: bytes = msgpack.packb(["rsc1", river_version, list(layouts), nodes])
    return packed


def _mean(*values: Any) -> bytes:
    return document([[14, 0, *values]], [MEAN_LAYOUT])


def _raw(after_nodes: bytes) -> bytes:
    """A document with one list node that holds hand-made bytes."""
    return bytes(document([[1, None]])[:-1]) + after_nodes


def _nested(depth: int) -> Any:
    value: Any = [32, 0]
    for _ in range(depth):
        value = [32, 1, value]
    return value


WORDS = bytes(4 * 624)
ADWIN = "river._river_rust.drift.AdaptiveWindowing"
SERIES = "river.time_series.holt_winters"
CORPUS: dict[str, bytes] = {
    "empty": b"",
    "pickle": b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00\x7d\x94\x8c\x01\x61\x94\x4b\x01\x73\x2e",
    "truncated": trained("tree")[:-1],
    "truncated in the middle": trained("tree")[:5000],
    "trailing byte": trained("tree") + b"\x00",
    "not a document": msgpack.packb([1, 2]),
    "another format": msgpack.packb(["rsc2", RIVER, [], [[1]]]),
    "no nodes": document([]),
    "nodes not an array": document(7),
    "layouts not an array": msgpack.packb(["rsc1", RIVER, 7, [[1]]]),
    "another river": document([[1]], river_version="0.25.0"),
    "map": document([[1, {}]]),
    "map with content": document([[1, {"a": 1}]]),
    "extension": document([[1, msgpack.ExtType(5, b"x")]]),
    "timestamp": document([[1, msgpack.Timestamp(1)]]),
    "array of 4 GiB": b"\xdd\xff\xff\xff\xff",
    "bytes of 4 GiB": b"\xc6\xff\xff\xff\xff",
    "text of 4 GiB": b"\xdb\xff\xff\xff\xff",
    "map of 4 GiB": b"\xdf\xff\xff\xff\xff",
    "a million deep": b"\x91" * 1_000_000,
    "400 tuples deep": document([[1, _nested(400)]]),
    "33 tuples deep": document([[1, _nested(33)]]),
    "not a minimal integer": _raw(b"\xd1\x00\x05"),
    "not a minimal text": _raw(b"\xd9\x01a"),
    "short float": _raw(b"\xca\x3f\x80\x00\x00"),
    "another NaN": _raw(b"\xcb" + struct.pack(">Q", 0x7FF8000000000001)),
    "text that is not UTF-8": _raw(b"\xa1\xff"),
    "unknown class": document([[14, 0]], [["os.Popen"]]),
    "os:system as a class": document([[14, 0]], [["os:system"]]),
    "subprocess as a class": document([[14, 0, 1]], [["subprocess.Popen", "args"]]),
    "os.system as a function": document([[1, [35, "os.system"]]]),
    "eval as a factory": document([[4, [35, "builtins.eval"]]]),
    "callable that is no text": document([[1, [35, [32, 0]]]]),
    "constructor as a method": document([[14, 0, 1.0, 1.0], [1, [37, [0], f"{MEAN}.__init__"]]], [MEAN_LAYOUT]),
    "method of another class": document(
        [[1, [1], [37, [1], "river.drift.page_hinkley.PageHinkley._test_both"]], [14, 0, 1.0, 1.0]], [MEAN_LAYOUT]
    ),
    "River class outside the list": document([[14, 0]], [["river.preprocessing.lda.LDA"]]),
    "__class__ as an attribute": document([[14, 0, 1.0, "x", 1.0]], [[MEAN, "__class__", "_mean", "n"]]),
    "learn_one as an attribute": document([[14, 0, 1.0, 1.0, "x"]], [[MEAN, "_mean", "n", "update"]]),
    "derived attribute": document([[14, 0, None, [1]], [5]], [["river.compose.pipeline.Pipeline", "_plan", "steps"]]),
    "attribute missing": document([[14, 0, 1.0]], [[MEAN, "n"]]),
    "attribute twice": document([[14, 0, 1.0, 1.0, 1.0]], [[MEAN, "_mean", "n", "n"]]),
    "attributes out of order": document([[14, 0, 1.0, 1.0]], [[MEAN, "n", "_mean"]]),
    "attribute of another type": _mean("1.0", 1.0),
    "huge count": _mean(1.0, [34, (10**4000).to_bytes(1662, "big")]),
    "bool for a number": _mean(True, 1.0),
    "bytes for a number": _mean(b"x", 1.0),
    "value too many": _mean(1.0, 1.0, 1.0),
    "value too few": _mean(1.0),
    "layout empty": document([[14, 0]], [[]]),
    "layout of numbers": document([[14, 0]], [[1, 2]]),
    "layout that does not exist": document([[14, 1, 1.0, 1.0]], [MEAN_LAYOUT]),
    "layout below zero": document([[14, -1, 1.0, 1.0]], [MEAN_LAYOUT]),
    "layout missing": document([[14]]),
    "layout not used": document([[1]], [MEAN_LAYOUT]),
    "layout twice": document([[1, [1], [2]], [14, 0, 1.0, 1.0], [14, 1, 1.0, 1.0]], [MEAN_LAYOUT, MEAN_LAYOUT]),
    "layouts out of order": document(
        [[1, [1], [2]], [14, 1, 1.0, 1.0], [14, 0, 0.1]], [["river.optim.schedulers.Constant", "learning_rate"], MEAN_LAYOUT]
    ),
    "dangling reference": document([[1, [1]]]),
    "negative reference": document([[1, [-1]]]),
    "reference out of order": document([[1, [2], [1]], [1], [1]]),
    "reference that is a text": document([[1, ["0"]]]),
    "node not reachable": document([[1], [1]]),
    "cycle not reachable": document([[1], [1, [2]], [1, [1]]]),
    "node empty": document([[]]),
    "node of unknown kind": document([[99]]),
    "node of a bool kind": document([[True]]),
    "inline of unknown kind": document([[1, [99, 0]]]),
    "empty array as a value": document([[1, []]]),
    "tuple with a wrong count": document([[1, [32, 2, 1]]]),
    "tuple with a float count": document([[1, [32, 1.0, 1]]]),
    "key twice": document([[2, "a", 1, "a", 2]]),
    "key twice as int and float": document([[2, 1, 1, 1.0, 2]]),
    "key without a value": document([[2, "a"]]),
    "key that hashes by address": document([[2, [1], 1], [14, 0, 1.0, 1.0]], [MEAN_LAYOUT]),
    "key that does not hash": document([[2, [1], 1], [1]]),
    "set out of order": document([[3, 2, 1]]),
    "set with an element twice": document([[3, 1, 1]]),
    "set with 1 and 1.0": document([[3, 1, 1.0]]),
    "set of objects": document([[3, [1]], [14, 0, 1.0, 1.0]], [MEAN_LAYOUT]),
    "frozenset out of order": document([[1, [33, 2, 2, 1]]]),
    "frozenset with 1 and 1.0": document([[1, [33, 2, 1, 1.0]]]),
    "defaultdict without a factory part": document([[4]]),
    "deque longer than its maximum": document([[7, 1, 1, 2]]),
    "deque of huge maximum": document([[7, 10**18]]),
    "deque of a text maximum": document([[7, "x"]]),
    "big integer of 1 MB": document([[1, [34, b"\x7f" * 1_000_000]]]),
    "big integer that is small": document([[1, [34, b"\x01"]]]),
    "big integer not minimal": document([[1, [34, b"\x00" * 3 + b"\x7f" * 9]]]),
    "generator too short": document([[8, 3, b"abc", 0, None]]),
    "generator of another version": document([[8, 2, WORDS, 0, None]]),
    "generator position outside": document([[8, 3, WORDS, 625, None]]),
    "generator position negative": document([[9, WORDS, -1, 0, 0.0]]),
    "generator with parts missing": document([[8]]),
    "array of objects": document([[10, "|O", "C", b"x" * 8, 1]]),
    "array of a wrong size": document([[10, "<f8", "C", b"x" * 8, 2]]),
    "array of a huge size": document([[10, "<f8", "C", b"", 10**12, 0]]),
    "array of negative size": document([[10, "<f8", "C", b"x" * 8, -1]]),
    "array in order F that is order C": document([[10, "<f8", "F", b"x" * 8, 1]]),
    "array of false booleans": document([[10, "|b1", "C", b"\x07", 1]]),
    "numpy scalar of a false boolean": document([[1, [36, "|b1", b"\x07"]]]),
    "numpy scalar of a wrong size": document([[1, [36, "<f8", b"x"]]]),
    "numpy scalar of objects": document([[1, [36, "|O", b"x" * 8]]]),
    "rust class outside the list": document([[11, "river._river_rust.stats.RsSomething", b""]]),
    "rust state too short": document([[11, ADWIN, b"abc", 0.002, 32, 5, 5, 10]]),
    "rust state too long": document([[11, ADWIN, b"\x00" * 5000, 0.002, 32, 5, 5, 10]]),
    "rust without arguments": document([[11, ADWIN, b""]]),
    "rust with huge arguments": document([[11, ADWIN, b"", 0.002, 2**40, 5, 5, 10]]),
    "rust state of text": document([[11, ADWIN, "abc", 0.002, 32, 5, 5, 10]]),
    "vector of text": document([[12, "a", "b"]]),
    "vector of whole numbers": document([[12, "a", 1]]),
    "vector with a key twice": document([[12, "a", 1.0, "a", 2.0]]),
    "vector with a key alone": document([[12, "a"]]),
    "normal of negative deviation": document([[13, 0.0, -1.0]]),
    # partials: a target that runs later, with arguments of its own choosing
    "partial of eval": document([[4, [38, [35, "builtins.eval"], 1, "1"]]]),
    "partial of a class outside its list": document([[4, [38, [35, "river.stats.var.Var"], 1, 1]]]),
    "partial of a partial": document([[4, [38, [38, [35, "builtins.float"], 1, 1], 0]]]),
    "partial with a huge number": document([[4, [38, [35, "river.sketch.histogram.Histogram"], 0, "max_bins", 10**9]]]),
    "partial with an argument too many": document([[4, [38, [35, "builtins.float"], 2, 1, 1]]]),
    "partial with an unknown keyword": document([[4, [38, [35, "river.sketch.histogram.Histogram"], 0, "bins", 16]]]),
    "partial with a keyword for a position": document([[4, [38, [35, "builtins.float"], 0, "x", 1]]]),
    "partial with keywords out of order": document([[4, [38, [35, "builtins.float"], 0, "b", 1, "a", 1]]]),
    "partial with a keyword alone": document([[4, [38, [35, "builtins.float"], 0, "x"]]]),
    "partial with a negative count": document([[4, [38, [35, "builtins.float"], -1, 1]]]),
    "partial with a text for a number": document([[4, [38, [35, "builtins.float"], 1, "1"]]]),
    "partial of nothing": document([[4, [38, None, 0]]]),
    "partial of an object that cannot be called": document([[4, [38, [1], 0]], [14, 0, 1.0, 1.0]], [MEAN_LAYOUT]),
    "partial of deepcopy over a list": document([[4, [38, [35, "copy.deepcopy"], 1, [1]]], [1]]),
    "partial of gauss on another generator": document([[4, [38, [37, [1], "random.Random.gauss"], 2, 0, 1]], [9, WORDS, 0, 0, 0.0]]),
    "partial with huge normals": document([[4, [38, [1], 0, "shape", 10**9]], [14, 0, 0.0]], [["river.optim.initializers.Zeros", "value"]]),
    # parts of a Holt-Winters model
    "component outside the list": document([[15, "collections.deque", 0.3, 1.0]]),
    "component with a text": document([[15, f"{SERIES}.AdditiveLevel", 0.3, "x"]]),
    "component longer than its season": document([[15, f"{SERIES}.AdditiveLevel", 0.3, 1.0, 1.0, 1.0]]),
    "component of an endless season": document([[15, f"{SERIES}.AdditiveSeason", 0.3, 10**12]]),
    "component of a negative season": document([[15, f"{SERIES}.AdditiveSeason", 0.3, -5]]),
    "component of a broken season": document([[15, f"{SERIES}.AdditiveSeason", 0.3, 1.5]]),
    "component without parameters": document([[15, f"{SERIES}.AdditiveSeason"]]),
    # native classes
    "quantile of a broken state": document([[11, "river._river_rust.stats.RsQuantile", b"abc"]]),
    "quantile with arguments": document([[11, "river._river_rust.stats.RsQuantile", b"", 0.5]]),
    "rolling area of a huge window": document([[11, "river._river_rust.stats.RsRollingROCAUC", b"", 1, 10**12]]),
    "rolling area of a broken state": document([[11, "river._river_rust.stats.RsRollingROCAUC", b"\xff" * 64, 1, 100]]),
    "mean of a state too long": document([[11, "river._river_rust.stats.RsEWMean", b"\x00" * 4096, 0.5]]),
    "vector with a nested key": document([[12, [32, 1, [32, 1, 1]], 1.0]]),
    "vector with a false tuple": document([[12, [32, 2, 1], 1.0]]),
    "vector with a float key": document([[12, 1.5, 1.0]]),
    # what River makes from parameters
    "steps of a vectorizer": document([[14, 0, [1]], [1]], [["river.feature_extraction.vectorize.BagOfWords", "processing_steps"]]),
    "method of a metric that is not a clone": document(
        [[1, [1], [37, [1], "river.metrics.mae.MAE.update"]], [14, 0, [2]], [14, 1, 0.0, 0]],
        [["river.metrics.mae.MAE", "_mean"], MEAN_LAYOUT],
    ),
    # amplification
    "a million empty lists in one": document([[1, *([[]] * 200_000)]]),
    "a tuple in a tuple in a set": document([[3, *[[32, 1, [32, 1, number]] for number in (2, 1)]]]),
}
