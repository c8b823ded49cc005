"""Objects whose state is not made of Python attributes: generators, arrays, NumPy scalars and River's Rust classes."""

import random
import statistics
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from river._river_rust.vectordict import VectorDict

from penstock.codec.allowed import COMPONENTS
from penstock.codec.classes import class_named, name_of, rust_class_names

SIZE_MAX = 1_000_000  # of any one size inside a native object: a dimension, a window, a number of buckets
WORDS = 624  # of a Mersenne Twister (Matsumoto and Nishimura, 1998)
_WORDS_FORMAT = f"<{WORDS}I"
TUPLE = 32  # the tag of an inline tuple
DTYPES = frozenset({"|b1", "|u1", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8"})


@dataclass(frozen=True, slots=True)
class Native:
    """One native type: its parts are scalars only, so it is whole when made."""

    tag: int
    type: type[Any]
    parts: Callable[[Any], Sequence[Any]]
    make: Callable[[Sequence[Any]], Any]


def natives() -> Sequence[Native]:
    """The native types, with the tags of their nodes."""
    rust = [Native(11, class_named(name), _rust_parts, _rust_make) for name in rust_class_names()]
    return [
        Native(8, random.Random, _random_parts, _random_make),
        Native(9, np.random.RandomState, _random_state_parts, _random_state_make),
        Native(10, np.ndarray, _array_parts, _array_make),
        *rust,
        Native(12, VectorDict, _vector_parts, _vector_make),
        *(Native(15, class_named(name), _component_parts, _component_make) for name in COMPONENTS),
        Native(13, statistics.NormalDist, lambda normal: [normal.mean, normal.stdev], _normal_make),
    ]


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)


def _random_parts(generator: random.Random) -> Sequence[Any]:
    version, words, carry = generator.getstate()
    return [version, struct.pack(_WORDS_FORMAT, *words[:WORDS]), words[WORDS], carry]


def _random_make(raw: Sequence[Any]) -> random.Random:
    version, words, position, carry = raw
    _require(version == 3 and type(version) is int, "not a generator of version 3")
    _check_twister(words, position)
    _require(carry is None or type(carry) is float, "the carry of a generator must be a float or null")
    generator = random.Random(0)  # noqa: S311 - a shell, its state is set next
    generator.setstate((version, (*struct.unpack(_WORDS_FORMAT, words), position), carry))
    return generator


def _check_twister(words: Any, position: Any) -> None:
    _require(type(words) is bytes and len(words) == 4 * WORDS, f"a generator has {WORDS} words of 32 bits")
    _require(type(position) is int and 0 <= position <= WORDS, "the position of a generator is outside its words")


def _random_state_parts(generator: np.random.RandomState) -> Sequence[Any]:
    name, words, position, has_carry, carry = generator.get_state(legacy=True)
    _require(name == "MT19937", f"bit generator {name}, only MT19937 is known")
    return [np.asarray(words, dtype="<u4").tobytes(), int(position), int(has_carry), float(carry)]


def _random_state_make(raw: Sequence[Any]) -> np.random.RandomState:
    words, position, has_carry, carry = raw
    _check_twister(words, position)
    _require(type(has_carry) is int and has_carry in (0, 1) and type(carry) is float, "the carry of a generator is broken")
    generator = np.random.RandomState(0)
    generator.set_state(("MT19937", np.frombuffer(words, dtype="<u4"), position, has_carry, carry))
    return generator


def _array_parts(array: np.ndarray[Any, Any]) -> Sequence[Any]:
    _require(array.dtype.str in DTYPES, f"array of {array.dtype.str}, known are {', '.join(sorted(DTYPES))}")
    _require(array.flags.c_contiguous or array.flags.f_contiguous, "the array is not contiguous")
    order = "C" if array.flags.c_contiguous else "F"  # a product of matrices sums in memory order: it must survive
    return [array.dtype.str, order, array.tobytes(order=order), *array.shape]  # type: ignore[arg-type]


def _array_make(raw: Sequence[Any]) -> np.ndarray[Any, Any]:
    dtype, order, data, *shape = raw
    _require(type(dtype) is str and dtype in DTYPES and order in ("C", "F") and type(data) is bytes, "not an array")
    _require(all(type(size) is int and 0 <= size <= SIZE_MAX for size in shape) and len(shape) <= 8, "a dimension is too large")
    array = np.frombuffer(data, dtype=dtype).reshape(shape, order=order).copy(order=order)
    _require(order == "C" or not array.flags.c_contiguous, "order F of an array that is also in order C")
    _check_booleans(dtype, data)
    return array


def scalar_parts(value: np.generic) -> tuple[str, bytes]:
    """Type and bytes of a NumPy scalar.

    Raises: ValueError for a type that is not in `DTYPES`.
    """
    _require(value.dtype.str in DTYPES, f"NumPy scalar of {value.dtype.str}")
    return value.dtype.str, value.tobytes()


def scalar_make(dtype: Any, data: Any) -> np.generic:
    """The NumPy scalar of these parts.

    Raises: ValueError for parts that `scalar_parts` does not write.
    """
    _require(type(dtype) is str and dtype in DTYPES and type(data) is bytes, "not a NumPy scalar")
    _require(len(data) == np.dtype(dtype).itemsize, "a NumPy scalar of the wrong size")
    _check_booleans(dtype, data)
    value: np.generic = np.frombuffer(data, dtype=dtype)[0]
    return value


def _check_booleans(dtype: str, data: bytes) -> None:
    _require(dtype != "|b1" or set(data) <= {0, 1}, "a boolean that is neither 0 nor 1")


def _vector_parts(vector: Any) -> Sequence[Any]:
    _, (values, factory, mask, _copy) = vector.__reduce__()
    _require(factory is None and mask is None, "a VectorDict with a factory or a mask")
    return [part for pair in values.items() for part in pair]


def _vector_make(raw: Sequence[Any]) -> Any:
    keys, values = raw[::2], raw[1::2]
    _require(len(keys) == len(values) and all(type(value) is float for value in values), "the values of a VectorDict must be floats")
    names = [_vector_key(key) for key in keys]
    _require(len(set(names)) == len(names), "a key stands twice")
    return VectorDict(dict(zip(names, values, strict=True)))


def _vector_key(raw: Any) -> Any:
    """Text, a whole number, or a flat tuple of these, as transformers name what they make of a feature."""
    if type(raw) is list:
        _require(len(raw) > 2 and raw[:2] == [TUPLE, len(raw) - 2] and type(raw[1]) is int, "a key of a VectorDict is broken")
        return tuple(map(_vector_name, raw[2:]))
    return _vector_name(raw)


def _vector_name(raw: Any) -> str | int:
    _require(type(raw) in (str, int), "the keys of a VectorDict must be text or whole numbers")
    name: str | int = raw
    return name


def _component_parts(component: Any) -> Sequence[Any]:
    name = name_of(type(component))
    return [name, *(getattr(component, attribute) for attribute in COMPONENTS[name]), *component]


def _component_make(raw: Sequence[Any]) -> Any:
    """A part of a Holt-Winters model: a deque with parameters, whose length follows from them."""
    name, *rest = raw
    _require(name in COMPONENTS, "not a component")
    parameters = COMPONENTS[name]
    _require(len(rest) >= len(parameters) and all(type(value) in (int, float) for value in rest), "a component holds numbers only")
    given = dict(zip(parameters, rest, strict=False))
    seasonality = given.get("seasonality", 1)
    _require(type(seasonality) is int and 0 <= seasonality <= SIZE_MAX, "a season is too long")
    component = class_named(name)(**given)
    component.extend(rest[len(parameters) :])
    _require(len(component) == len(rest) - len(parameters), "a component is longer than its season")
    return component


def _normal_make(raw: Sequence[Any]) -> statistics.NormalDist:
    mean, deviation = raw
    _require(type(mean) is float and type(deviation) is float, "a normal distribution has two floats")
    return statistics.NormalDist(mean, deviation)


def _rust_parts(obj: Any) -> Sequence[Any]:
    return [name_of(type(obj)), obj.__getstate__(), *_new_arguments(obj)]


def _new_arguments(obj: Any) -> Sequence[Any]:
    return obj.__getnewargs__() if hasattr(obj, "__getnewargs__") else ()


def _rust_make(raw: Sequence[Any]) -> Any:
    """River's Rust objects hand out their state as bytes; what they take in must come out again.

    A panic in Rust arrives as a BaseException that no `except Exception` stops (measured: it kills the worker).
    """
    name, state, *arguments = raw
    _require(name in rust_class_names() and type(state) is bytes, "not a native class")
    _require(all(type(value) in (int, float, bool) and abs(value) <= SIZE_MAX for value in arguments), "a native argument is too large")
    cls = class_named(name)
    try:
        obj = cls.__new__(cls, *arguments)
        obj.__setstate__(state)
        same = list(raw) == _rust_parts(obj) and [*map(type, arguments)] == [*map(type, _new_arguments(obj))]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        raise ValueError(f"native state refused: {type(error).__name__}") from error
    _require(same, "native state does not survive")
    return obj


def numbers_in(obj: Any) -> Sequence[float]:
    """The floats of a Rust object that can be read from outside, for the check that none is NaN."""
    readings = [getattr(obj, name)() for name in ("get_total", "get_variance", "get_width", "get") if hasattr(obj, name)]
    return [float(reading) for reading in readings if reading is not None]
