"""One field of a stream: its type, its rules, and what becomes of a value that breaks one."""

from collections.abc import Mapping
from dataclasses import dataclass, field as attribute, replace
from typing import Any, NamedTuple

from penstock.spec.document import Node
from penstock.spec.duration import format_duration
from penstock.spec.errors import Path, Problems, quoted
from penstock.spec.expression import WORDS
from penstock.spec.pattern import PATTERN_RULE, TEXT_CHARACTERS_MAX, compile_pattern
from penstock.spec.section import Section, as_number

TYPES = ("string", "double", "long", "boolean", "timestamp")
ENVELOPE = ("event_time_ms", "_origin", "event_id")  # the platform's own fields, before the stream's, on validated.<stream>
ENUM_MAX = 1_000
LENGTH_MAX = 1_000_000
KEYS = ("type", "nullable", "default", "enum", "range", "length", "pattern", "unique", "personal", "on")
REJECT, NULL, CLIP, WARN = "reject", "null", "clip", "warn"


class Rule(NamedTuple):
    """A rule with a name: which types it is about, the key that declares it (empty: always there), its policies, the default one first."""

    types: tuple[str, ...]
    key: str
    policies: tuple[str, ...]


RULES: Mapping[str, Rule] = {
    "wrong_type": Rule(TYPES, "", (REJECT, NULL)),
    "not_text": Rule(("string",), "", (REJECT, NULL)),
    "not_finite": Rule(("double",), "", (REJECT, NULL)),
    "negative_zero": Rule(("double",), "", (CLIP, NULL, WARN, REJECT)),
    "out_of_range": Rule(("double", "long"), "range", (REJECT, NULL, CLIP, WARN)),
    "wrong_length": Rule(("string",), "length", (REJECT, NULL, CLIP, WARN)),
    "wrong_pattern": Rule(("string",), "pattern", (REJECT, NULL, WARN)),
    "not_in_enum": Rule(("string",), "enum", (REJECT, NULL, WARN)),
    "not_unique": Rule(("string", "long"), "unique", (REJECT, WARN)),
}
"""The rules of a field that have a choice. `missing_field` has none: nullable and default say what an absent value is."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a stream; `minimum` and `maximum` are inclusive, `enum` lists every allowed text.

    `length_min` and `length_max` count characters, `pattern` must match the whole text. `unique_ms`: how long, in event time, no other
    event of the partition may have the same value. `default` stands for an absent value. `personal`: the value is of a person, and stands
    in no message. `on`: the policy of each rule that has not its default one.
    """

    name: str
    type: str
    nullable: bool = False
    enum: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    length_min: int = 0
    length_max: int | None = None
    pattern: str | None = None
    unique_ms: int | None = None
    default: str | int | float | bool | None = None
    personal: bool = False
    on: Mapping[str, str] = attribute(default_factory=dict)

    def policy(self, rule: str) -> str:
        """What becomes of a value that breaks the rule: reject, null, clip or warn."""
        own = self.on.get(rule)
        return own or (RULES[rule].policies[0] if rule in RULES else REJECT)


def read_field(name: str, node: Node, path: Path, problems: Problems) -> Field:
    """The field that a node declares; what is wrong is noted."""
    if name in ENVELOPE or name in WORDS:
        problems.add(node.key_position, path, f"the name {quoted(name)} is reserved", f"{name}_: …")
    if isinstance(node.value, str):
        node = Node({"type": Node(node.value, node.position)}, node.position)
    before = len(problems)
    section = Section(node, path, problems, KEYS)
    type = section.choice("type", TYPES)
    minimum, maximum = _read_range(section, type)
    length_min, length_max = _read_length(section, type)
    field = Field(
        name=name,
        type=type,
        nullable=section.flag("nullable"),
        enum=_read_enum(section, type),
        minimum=minimum,
        maximum=maximum,
        length_min=length_min,
        length_max=length_max,
        pattern=_read_pattern(section, type),
        unique_ms=section.duration("unique", required=False),
        default=_read_default(section, type),
        personal=section.flag("personal"),
        on=_read_policies(section),
    )
    if len(problems) == before:
        _check_policies(field, section)
        _check_default(field, section)
    return field


def field_body(field: Field) -> dict[str, Any]:
    """The field as it would stand in the file; what is not declared is left out, so that older files keep their versions."""
    body: dict[str, Any] = {"type": field.type, "nullable": field.nullable}
    if field.enum is not None:
        body["enum"] = list(field.enum)
    if field.minimum is not None or field.maximum is not None:
        body["range"] = [field.minimum, field.maximum]
    if field.length_min or field.length_max is not None:
        body["length"] = [field.length_min, field.length_max]
    optional = {"pattern": field.pattern, "default": field.default, "personal": field.personal or None, "on": dict(field.on) or None}
    unique = {} if field.unique_ms is None else {"unique": format_duration(field.unique_ms)}
    return body | unique | {key: value for key, value in optional.items() if value is not None}


def _read_enum(section: Section, type: str) -> tuple[str, ...] | None:
    if "enum" not in section:
        return None
    words = section.words("enum")
    if type != "string" or not words or len(words) > ENUM_MAX:
        section.note("enum", f"is a list of 1 to {ENUM_MAX} texts and fits type string only", "leave enum out, or use range for numbers")
    return words


def _read_range(section: Section, type: str) -> tuple[float | None, float | None]:
    if "range" not in section:
        return None, None
    ends = section.plain("range")
    if type not in ("double", "long"):
        section.note("range", f"fits numbers only, not {type}", "type: double" if type == "timestamp" else "enum: [ … ]")
    elif not isinstance(ends, list) or len(ends) != 2 or any(end is not None and as_number(end) is None for end in ends):
        section.note("range", "must be two finite numbers, lowest first; null where there is no limit", "range: [0, 100]")
    elif None not in ends and ends[0] > ends[1]:
        section.note("range", "the lowest value stands second", f"range: [{ends[1]}, {ends[0]}]")
    else:
        return as_number(ends[0]), as_number(ends[1])
    return None, None


def _read_length(section: Section, type: str) -> tuple[int, int | None]:
    """Fewest and most characters; a pattern brings its own most, so that no text keeps it busy for long."""
    most = TEXT_CHARACTERS_MAX if "pattern" in section else None
    if "length" not in section:
        return 0, most
    ends = section.plain("length")
    if type != "string":
        section.note("length", f"fits type string only, not {type}", "range: [0, 100]" if type in ("double", "long") else "leave it out")
    elif not isinstance(ends, list) or len(ends) != 2 or not _are_lengths(ends):
        section.note("length", f"must be two whole numbers from 0 to {LENGTH_MAX}, lowest first; null: no limit", "length: [1, 40]")
    elif most is not None and ends[1] is not None and ends[1] > most:
        section.note("length", f"a text with a pattern has at most {most} characters", f"length: [{ends[0] or 0}, {most}]")
    else:
        return ends[0] or 0, most if ends[1] is None else ends[1]
    return 0, None


def _are_lengths(ends: list[Any]) -> bool:
    whole = all(end is None or (type(end) is int and 0 <= end <= LENGTH_MAX) for end in ends)
    return whole and (None in ends or ends[0] <= ends[1])


def _read_pattern(section: Section, type: str) -> str | None:
    text = section.text("pattern", required=False)
    if text is None:
        return None
    if type != "string":
        section.note("pattern", f"fits type string only, not {type}", "leave it out")
    try:
        compile_pattern(text)
    except ValueError as error:
        section.note("pattern", f"{error} ({PATTERN_RULE})", "pattern: '[A-Z]{2}[0-9]{1,4}'")
    return text


def _read_default(section: Section, type: str) -> Any:
    value = section.plain("default")
    number = as_number(value)
    return number if type == "double" and number is not None else value


def _read_policies(section: Section) -> dict[str, str]:
    """The policies that differ from the default; the keys and words that are none are noted."""
    node = section.node("on", required=False)
    if node is None:
        return {}
    if isinstance(node.value, dict):  # YAML's null is meant as the word
        words = {rule: replace(item, value=NULL if item.value is None else item.value) for rule, item in node.value.items()}
        node = replace(node, value=words)
    inside = Section(node, (*section.path, "on"), section.problems, tuple(RULES))
    chosen = {rule: inside.choice(rule, RULES[rule].policies) for rule in RULES if rule in inside}
    return {rule: policy for rule, policy in chosen.items() if policy != RULES[rule].policies[0]}


def _check_policies(field: Field, section: Section) -> None:
    for rule, policy in field.on.items():
        types, key, _ = RULES[rule]
        if field.type not in types or (key and key not in section):
            section.note_at(("on", rule), "there is no such rule here" + (f": it comes with {key}" if key else ""), "leave it out")
        elif policy == NULL and not field.nullable:
            section.note_at(("on", rule), "a field that is not nullable cannot become null", "nullable: true")
        elif rule == "wrong_length" and policy == CLIP and field.length_max is None:
            section.note_at(("on", rule), "there is no longest length to cut to", "length: [0, 40]")
    if field.unique_ms is not None and field.type not in RULES["not_unique"].types:
        section.note("unique", f"fits strings and longs, not {field.type}", "leave it out")


def _check_default(field: Field, section: Section) -> None:
    value = field.default
    if value is None:
        return
    if field.nullable:
        section.note("default", "a nullable field is null where it is absent", "leave nullable or default out")
    elif type(value) is not _DEFAULTS.get(field.type):
        section.note("default", f"{quoted(value)} is not a default for type {field.type}", "a value of the field's own type")
    elif not _keeps_its_rules(field, value):
        section.note("default", f"{quoted(value)} breaks the field's own rules", "a value that keeps them")


_DEFAULTS: Mapping[str, type] = {"string": str, "double": float, "long": int, "boolean": bool}


def _keeps_its_rules(field: Field, value: Any) -> bool:
    if isinstance(value, str):
        fits = field.length_min <= len(value) and (field.length_max is None or len(value) <= field.length_max)
        matches = field.pattern is None or compile_pattern(field.pattern)(value)
        return fits and matches and (field.enum is None or value in field.enum)
    if type(value) is int and not -(2**63) <= value < 2**63:
        return False
    return (field.minimum is None or value >= field.minimum) and (field.maximum is None or value <= field.maximum)
