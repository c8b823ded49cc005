"""functools.partial in a state: a target of the list, with arguments of its types."""

import functools
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from penstock.codec import classes
from penstock.codec.allowed import PARTIAL_NUMBER_MAX, PARTIALS
from penstock.codec.attributes import ATTRIBUTES

Value = Callable[[Any], Any]


def parts(value: "functools.partial[Any]") -> list[Any]:
    """Target, number of positional arguments, these, then names and values of the keywords, sorted.

    Raises: Unknown for a target or arguments that are not in the list.
    """
    check(value)
    keywords = [part for pair in sorted(value.keywords.items()) for part in pair]
    return [value.func, len(value.args), *value.args, *keywords]


def made(raw: Sequence[Any], read: Value) -> "functools.partial[Any]":
    """The partial of these parts; `read` decodes each.

    Raises: Unknown; ValueError for parts that `parts` does not write.
    """
    target, count, *rest = raw
    if type(count) is not int or not 0 <= count <= len(rest) or (len(rest) - count) % 2:
        raise ValueError("the arguments of a partial are broken")
    func = read(target)  # in the order of the bytes: references are numbered by their first visit
    values = [read(part) for part in rest]
    names = values[count::2]
    if not all(type(name) is str for name in names) or names != sorted(set(names)):
        raise ValueError("the keywords of a partial are not in order")
    if not callable(func):
        raise classes.Unknown("a partial of something that cannot be called")
    value = functools.partial(func, *values[:count], **dict(zip(names, values[count + 1 :: 2], strict=True)))
    if value.func is not func:
        raise classes.Unknown("a partial of a partial")
    check(value)
    return value


def check(value: "functools.partial[Any]") -> None:
    """Refuse a target, or an argument of a type, that is not in the list.

    Raises: Unknown.
    """
    target = _target(value.func)
    wanted = PARTIALS.get(target)
    if wanted is None:
        raise classes.Unknown(f"a partial of {target:.100} is not in the list")
    given = [("", item) for item in value.args] + [(f"{name}=", item) for name, item in sorted(value.keywords.items())]
    if len(given) != len(wanted) or not all(_fits(prefix, item, want) for (prefix, item), want in zip(given, wanted, strict=True)):
        raise classes.Unknown(f"a partial of {target} takes {', '.join(wanted)}")


def _target(func: Any) -> str:
    if isinstance(func, types.MethodType):
        return classes.method_name(func)
    if isinstance(func, type | types.FunctionType | types.BuiltinFunctionType):
        return classes.callable_name(func)
    return f"<{classes.name_of(type(func))}>"


def _fits(prefix: str, value: Any, want: str) -> bool:
    if not want.startswith(prefix) or ("=" in want and not prefix):
        return False
    return any(tag == want.removeprefix(prefix) for tag in _tags(value))


def _tags(value: Any) -> Iterator[str]:
    if type(value) is int and abs(value) <= PARTIAL_NUMBER_MAX:
        yield from ("int", "number")
    elif type(value) is float and abs(value) <= PARTIAL_NUMBER_MAX:
        yield "number"
    elif type(value) is tuple and all(type(item) in (int, float) for item in value):
        yield "tuple"
    elif classes.name_of(type(value)) in ATTRIBUTES:
        yield "object"
