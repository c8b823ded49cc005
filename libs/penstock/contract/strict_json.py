"""JSON read strictly: what readers could disagree on is refused."""

import json
from typing import Any

from penstock.fold.protocol import Poison

WHITESPACE = " \t\n\r"


def parse_object(data: bytes) -> dict[str, Any]:
    """The fields of a JSON object in UTF-8.

    Stricter than Python's json: NaN and Infinity are no JSON, and a name that stands twice is refused, as readers disagree on which one
    counts (RFC 8259, section 4). Raises: Poison("undecodable").
    """
    value = parse_json(data)
    if not isinstance(value, dict):
        raise Poison("undecodable", "JSON, but not an object")
    return value


def parse_json(data: bytes) -> Any:
    """Any JSON value in UTF-8, as strict as `parse_object`. Raises: Poison("undecodable")."""
    try:
        text = data.decode().strip(WHITESPACE)
        value, end = _decode(text)  # `decode` would look for whitespace with regular expressions, twice
        if end != len(text):
            raise ValueError(f"more text after character {end}")
        return value
    except json.JSONDecodeError as error:
        raise Poison("undecodable", f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise Poison("undecodable", f"not UTF-8 at byte {error.start}") from None
    except ValueError as error:  # ours, or Python's limit of digits
        raise Poison("undecodable", f"not JSON: {error}") from None
    except RecursionError:  # the input's fault: nothing of ours recurses
        raise Poison("undecodable", "not JSON: nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return names


def _no_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).raw_decode
