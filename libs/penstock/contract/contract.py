"""The contract of a stream: which fields an event has, of which type, within which bounds; compiled once, checked per event."""

from collections.abc import Callable, Mapping
from typing import Any

from penstock.contract.quick import compile_quick
from penstock.contract.rules import Judge, Violation, compile_judge
from penstock.fold.protocol import Poison
from penstock.spec import Stream
from penstock.spec.field import REJECT

Check = Callable[[Any], Any]

TICK = "penstock.tick"  # the one name that no event may have: its value is a time, and no event stands there
IDENTIFIER_BYTES_MAX = 1_024  # every service behind keeps entities and event ids in memory


Kept = tuple[dict[str, Any], tuple[str, ...]]
"""What the contract keeps of an event: the stream's own fields in declared order; and notes, what it had to do for that.

A note is verb, field and rule: `clipped.distance.out_of_range`, `nulled.…`, `warned.…`.
"""
Contract = Callable[[Mapping[str, Any]], Kept]


def compile_contract(stream: Stream) -> Contract:
    """A function that takes a producer's fields and gives the stream's own, in declared order, with canonical types.

    | type | takes | gives |
    |---|---|---|
    | string | text without U+0000 and lone surrogates | str |
    | double | a finite number | float |
    | long | an integer of 64 bits; 1.0, not 1.5 | int |
    | boolean | true, false (a boolean is not a number) | bool |
    | timestamp | RFC 3339 with an offset, epoch ms, or an Avro timestamp | int (ms) |

    A field that is absent and one that is null are the same: null where nullable, the default where there is one, else refused. Fields
    that the stream does not declare are dropped. Each rule has a name and a policy (penstock.spec.field.RULES): a value that breaks it is
    refused, becomes null, is clipped, or passes with a warning. The function raises Violation at the first field that is refused; reasons
    name the field and the rule, never the value.

    Almost every event is whole, so it is first tried by quick checks that know only yes and no; whatever they doubt is judged rule by rule.
    """
    quick, judges = compile_quick(stream.fields), _judges(stream)
    is_known, refuses_extra = frozenset(stream.fields).__contains__, stream.extra_fields == REJECT

    def judged(fields: Mapping[str, Any]) -> Kept:
        notes: list[str] = []
        kept = {name: judge(fields.get(name), notes.append) for name, judge in judges}
        return kept, tuple(notes)

    def validate(fields: Mapping[str, Any]) -> Kept:
        if refuses_extra and not all(map(is_known, fields)):
            raise Poison("extra_fields", "the event has fields that the stream does not declare")
        kept = quick(fields)
        return judged(fields) if kept is None else (kept, ())

    return validate


def compile_checks(stream: Stream) -> tuple[tuple[str, Check], ...]:
    """The check of each field by name: a function from what was sent (None: absent or null) to what is kept. It raises Violation.

    The entity and the id of the stream are checked as such too: neither may be empty or too long.
    """
    return tuple((name, _identified(stream, name, _silent(judge))) for name, judge in _judges(stream))


def identifier(code: str, name: str, value: str | int) -> str:
    """An entity or event id as text. Raises: Violation with `code` if it is empty, "too_large" above 1,024 bytes of UTF-8."""
    text = value if isinstance(value, str) else str(value)
    if not text:
        raise Violation(code, name, "is empty")
    if len(text) * 4 > IDENTIFIER_BYTES_MAX and len(text.encode()) > IDENTIFIER_BYTES_MAX:
        raise Violation("too_large", name, f"is longer than {IDENTIFIER_BYTES_MAX} bytes")
    return text


def _judges(stream: Stream) -> tuple[tuple[str, Judge], ...]:
    return tuple((name, compile_judge(field)) for name, field in stream.fields.items())


def _identified(stream: Stream, name: str, check: Check) -> Check:
    codes = {stream.id: "no_id", stream.key: "no_key"}
    return (lambda value: identifier(codes[name], name, check(value))) if name in codes else check


def _silent(judge: Judge) -> Check:
    return lambda value: judge(value, _unheard)


def _unheard(_: str) -> None:
    """At the door nothing is counted: the fold behind it will."""
