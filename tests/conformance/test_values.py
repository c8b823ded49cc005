"""Values at the edges keep their value, their type and their identity."""

import collections
import functools
import gc
import random
import statistics
import struct
from typing import Any

import numpy as np
import pytest
from river import linear_model, optim, preprocessing, stats
from river.naive_bayes import GaussianNB

from penstock.codec import NotAllowed, decode, encode

OTHER_NAN: float = struct.unpack(">d", b"\xff\xf8\x00\x00\x00\x00\x00\x2a")[0]


def _survives(value: Any) -> Any:
    (copy,) = decode(encode([value]))
    assert type(copy) is type(value)
    return copy


@pytest.mark.parametrize(
    "value",
    [0, -1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**300, True, False, None, 1.0, 5e-324, float("inf"), "",
     "ä\x00😀", b"\x00\xff",
     (), (1,), ((), (1.0, True)), frozenset(), frozenset({1, "a"}), {1, 2.5, "x", None}, {}, {"b": 1, "a": 2}, [], [[]],
     collections.Counter("abba"), collections.OrderedDict(b=1, a=2), collections.deque([1, 2], maxlen=2), collections.deque([3])],
    ids=repr,
)  # fmt: skip
def test_a_value_keeps_value_and_type(value: Any) -> None:
    assert _survives(value) == value


def test_minus_zero_stays_minus_zero() -> None:
    assert str(_survives(-0.0)) == "-0.0"


def test_every_nan_is_written_as_the_same_bytes() -> None:
    assert encode([OTHER_NAN]) == encode([float("nan")]) == encode([-float("nan")])


def test_numbers_of_different_types_have_different_bytes() -> None:
    written = {encode([value]) for value in (1, 1.0, True, np.float64(1.0), np.int64(1), "1", b"1")}
    assert len(written) == 7


def test_dict_order_is_state_and_set_order_is_not() -> None:
    assert list(_survives({"z": 1, "a": 2})) == ["z", "a"]
    assert encode([{"z": 1, "a": 2}]) != encode([{"a": 2, "z": 1}])
    forwards, backwards = set(iter([0, 8])), set(iter([8, 0]))  # one slot of the hash table: the order is that of insertion
    assert list(forwards) != list(backwards)
    assert encode([forwards]) == encode([backwards])


@pytest.mark.parametrize("value", [np.float64(0.1), np.float32(0.1), np.int64(-5), np.uint8(7), np.bool_(True)], ids=repr)
def test_a_numpy_scalar_keeps_value_and_type(value: Any) -> None:
    assert _survives(value) == value


@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_keeps_its_memory_order(order: Any) -> None:
    array = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], order=order)
    copy = _survives(array)
    assert np.array_equal(copy, array)
    assert copy.flags.f_contiguous == array.flags.f_contiguous
    assert copy.flags.writeable


def test_an_array_that_is_not_contiguous_is_refused() -> None:
    with pytest.raises(NotAllowed, match="not contiguous"):
        encode([np.arange(10.0)[::2]])


def test_generators_go_on_where_they_stood() -> None:
    plain, numpy = random.Random(3), np.random.RandomState(3)
    plain.gauss(0, 1)  # leaves a carry behind
    numpy.normal()
    copies = decode(encode([plain, numpy]))
    assert [copies[0].gauss(0, 1), copies[0].random()] == [plain.gauss(0, 1), plain.random()]
    assert copies[1].normal(size=3).tolist() == numpy.normal(size=3).tolist()


def test_a_normal_distribution_survives() -> None:
    assert _survives(statistics.NormalDist(1.5, 2.0)) == statistics.NormalDist(1.5, 2.0)


def test_a_factory_of_factories_survives() -> None:
    model = GaussianNB()
    model.learn_one({"a": 1.0}, "yes")
    copy = decode(encode(model))
    copy.learn_one({"b": 2.0}, "no")
    assert set(copy.gaussians) == {"yes", "no"}


def test_sharing_and_cycles_are_kept() -> None:
    shared: list[Any] = [1]
    root: list[Any] = [shared, shared, (shared,)]
    root.append(root)
    copy = decode(encode(root))
    assert copy[0] is copy[1] is copy[2][0]
    assert copy[3] is copy


def test_equal_immutables_are_written_alike_shared_or_not() -> None:
    pair = ("a", 1)
    assert encode([pair, pair]) == encode([("a", 1), tuple(["a", 1])])  # noqa: C409 - another object on purpose


def test_a_chain_deeper_than_the_recursion_limit_survives() -> None:
    chain: list[Any] = []
    for _ in range(20_000):
        chain = [chain]
    assert encode(decode(encode(chain))) == encode(chain)


def test_an_unseeded_distribution_leaves_its_generator_out_and_gets_another() -> None:
    gaussian = GaussianNB._make_gaussian()
    gaussian.update(1.0)
    data = encode(gaussian)
    assert len(data) < 300
    assert isinstance(decode(data)._rng, random.Random)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (lambda: 1, r"model\[0\]"),
        (random, r"model\[0\]"),
        (object(), r"model\[0\]"),
        ({"a": [print]}, r"model\[0\]\['a'\]\[0\]"),
        ({stats.Mean(): 1}, "by address|hashes by address"),
        ({("a", stats.Mean()): 1}, "hashes by address"),
        (preprocessing.LDA(), "LDA"),
        (linear_model.LogisticRegression(optim.Newton()), "optimizer"),
        (collections.defaultdict(functools.partial(stats.Var, 1)), "a partial of river.stats.var.Var is not in the list"),
        (collections.defaultdict(functools.partial(functools.reduce, max)), "not in the list"),
        (linear_model.LogisticRegression(l1=0.1), "unknown attribute"),
        ("\ud800", "Unicode"),
        (10**4000, "whole number"),
        ({10**5000: 1}, "whole number"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_not_in_the_list_is_refused_with_its_path(value: Any, path: str) -> None:
    with pytest.raises(NotAllowed, match=path):
        encode([value])


def test_a_subclass_is_not_its_base() -> None:
    class Mine(dict):  # type: ignore[type-arg]
        pass

    with pytest.raises(NotAllowed, match="Mine"):
        encode([Mine()])


def test_an_attribute_of_another_type_is_refused_when_writing() -> None:
    mean = stats.Mean()
    mean.n = "many"
    with pytest.raises(NotAllowed, match=r"model\.n: a str, expected float or int"):
        encode(mean)


def test_an_attribute_too_many_or_too_few_is_refused_when_writing() -> None:
    mean = stats.Mean()
    mean.extra = 1
    with pytest.raises(NotAllowed, match=r"\.extra: unknown attribute"):
        encode(mean)
    del mean.extra, mean.n
    with pytest.raises(NotAllowed, match="lacks n"):
        encode(mean)


def test_the_collector_is_back_on_after_a_refusal() -> None:
    with pytest.raises(NotAllowed):
        encode([object()])
    assert gc.isenabled()
