"""Every code that a dead letter can have: where it comes from, what it means, and what to do."""

from collections.abc import Mapping
from typing import NamedTuple


class Code(NamedTuple):
    """What a code says. `where` names the topics whose records can be refused so; empty: events.<stream>."""

    meaning: str
    cure: str
    where: str = ""


AT_THE_DOOR: Mapping[str, Code] = {
    "not_framed": Code(
        "empty, or the first byte is none of `{`, `0x00` and `0xC3 0x01`; a frame shorter than its header",
        "send JSON, Avro with a Confluent header, or Avro single objects",
    ),
    "undecodable": Code(
        "not JSON (or a name twice, NaN, not UTF-8, nested too deeply), or bytes that their Avro schema does not fit", "mend the producer"
    ),
    "trailing_bytes": Code("bytes after the Avro record: mostly the wrong schema id", "the schema the bytes were written with"),
    "unknown_schema": Code(
        "the schema registry knows no such id or fingerprint, or one that no record may be read with: not of a record, not Avro, one that "
        "could crash a decoder ([interop.md](interop.md)); the message says which",
        "register the schema, then `penstock dlq replay`; another registry's ids mean nothing here",
    ),
    "too_large": Code("the record is over 1,000,000 bytes, or an entity or id over 1,024", "smaller"),
    "output_too_large": Code("valid, but over 1,000,000 bytes as a validated record", "smaller"),
    "missing_field": Code(
        "a field is absent or null, and not nullable", "send it, or `nullable: true`; `--rename` or `--default` on the way back"
    ),
    "wrong_type": Code("a field has another type; a time has no offset", "the type of the specification; `--cast` on the way back"),
    "wrong_length": Code("shorter or longer than `length`", "the value, or the length"),
    "wrong_pattern": Code("not as `pattern` says", "the value, or the pattern"),
    "not_unique": Code("a value that is `unique` came with another event of the window", "another value"),
    "negative_zero": Code("-0.0, where the policy says `reject`", "send 0"),
    "extra_fields": Code("fields that the stream does not declare, where it takes none", "leave them out, or declare them"),
    "out_of_range": Code("outside `range`, or a time before 1970", "the value, or the range"),
    "not_finite": Code("NaN or infinite", "send null where there is no number"),
    "not_in_enum": Code("not one of the values of `enum`", "the value, or the list"),
    "not_text": Code("U+0000 or a lone surrogate", "real text"),
    "no_key": Code("the entity is empty", "fill it"),
    "no_id": Code("the event id is empty", "fill it"),
    "bad_header": Code(
        "a CloudEvents header is absent, longer than 1,024 bytes, not UTF-8, or `ce_time` is no RFC 3339 time with an offset; "
        "or `__dlq.replay.of` names no earlier record of the same partition",
        "the header",
    ),
    "bad_cloudevent": Code("a structured CloudEvent without what the standard asks for, or without data", "CloudEvents 1.0"),
    "bad_tick": Code("a tick without a readable time", '`{"penstock.tick": "<RFC 3339>"}`, or `ce_type: penstock.tick` with `ce_time`'),
    "time_jump": Code(
        "more than `max_jump` (a tick: ten times that) ahead of everything before it in its partition; for the first record there, "
        "of its append time",
        "if it is right, send a tick first, or raise `max_jump` where events lie in the future; else mend the clock",
    ),
    "too_late": Code("further behind the newest event of its partition than `max_late` allows", "send it in time, or allow more"),
    "quarantined": Code("its source is parked", "`penstock release`, then `penstock dlq replay`"),
    "duplicate_conflict": Code(
        "an id that is remembered came with another payload",
        "ids must be unique; the correction of a label is an event with an id of its own",
    ),
}
"""On dlq.events.<stream>, from ingestion."""

BEHIND: Mapping[str, Code] = {
    "unexpected_record": Code(
        "a record type that does not belong there", "find who writes there", "`validated.*`, `features.*`, `outcomes.*`"
    ),
    "unknown_record": Code("a record type that does not belong there", "find who writes there", "`learning.*`"),
    "wrong_label": Code(
        "no label of the model's task: not a boolean, a text, a finite number", "the label's field in the specification", "`learning.*`"
    ),
    "wrong_rewind": Code(
        "a `Rewound` that `penstock rewind` did not write: it cuts what does not stand there", "`penstock rewind`", "`learning.*`"
    ),
    "wrong_rebuild": Code(
        "a `Rebuilt` for the runtime that the log has already, or one that `penstock rebuild` did not write",
        "`penstock rebuild`",
        "`learning.*`",
    ),
    "unknown_model": Code(
        "a `Serve` names a checkpoint that the registry does not have, or has with other bytes", "`penstock verify`", "`features.*`"
    ),
    "undecodable_model": Code(
        "the codec refuses a checkpoint's bytes: mostly another version of River", "`penstock rebuild`", "`features.*`"
    ),
    "undeclared_model": Code(
        "a checkpoint's bytes hold other classes or parameters than the recipe of any version of the model gives: they were not made here",
        "`penstock verify`",
        "`features.*`",
    ),
    "not_an_answer": Code("a score that is none of the model's task: outside [0, 1], not finite", "find who writes there", "`outcomes.*`"),
    "no_label": Code("labelled without a label of the task", "find who writes there", "`outcomes.*`"),
    "unhandled": Code(
        "an agent failed 5 times on it, and not because something was away: that is waited for. The message is the exception. "
        "Nothing is lost: the timer compares again",
        "nothing to send again",
        "`registry`, `drift`",
    ),
}
"""On the other dead-letter topics. What ingestion refuses as bytes can stand there too: somebody else wrote there, or a schema was lost."""


def known(code: str) -> Code | None:
    """What is known of a code."""
    return AT_THE_DOOR.get(code) or BEHIND.get(code)


def door_table() -> str:
    """The codes of ingestion as they stand in docs/operations.md."""
    rows = [f"| `{name}` | {code.meaning} | {code.cure} |" for name, code in AT_THE_DOOR.items()]
    return "\n".join(["| code | meaning | cure |", "|---|---|---|", *rows])


def table_behind() -> str:
    """The codes of the other services as they stand in docs/operations.md."""
    rows = [f"| `{name}` | {code.where} | {code.meaning} | {code.cure} |" for name, code in BEHIND.items()]
    return "\n".join(["| code | where | meaning | cure |", "|---|---|---|---|", *rows])
