"""The rules of fields and streams in a specification: what is declared is taken whole, what cannot be meant is refused."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from penstock.spec import SpecError, Stream, from_json, load
from penstock.spec.avro import producer_schema, stream_schema
from penstock.spec.field import RULES, TYPES, Field
from penstock.spec.pattern import compile_pattern

TEXT = """\
streams:
  flights:
    key: origin
    id: flight_id
    time: at
    max_late: 2d
    expect: {every: 10s, rate: 300/m}
    on: {extra_fields: reject}
    fields:
      origin: {type: string, length: [3, 3], pattern: "[A-Z]+", personal: true}
      flight_id: string
      at: timestamp
      tail: {type: string, nullable: true, pattern: "N[0-9]{1,5}", unique: 1h, on: {wrong_pattern: null, not_unique: warn}}
      distance: {type: double, range: [0, 6000], default: 1, on: {out_of_range: clip, negative_zero: reject}}
"""


def stream(text: str = TEXT) -> Stream:
    return load(text).streams["flights"]


def test_every_rule_is_taken() -> None:
    fields = stream().fields
    assert fields["origin"] == Field("origin", "string", length_min=3, length_max=3, pattern="[A-Z]+", personal=True)
    assert fields["tail"] == Field(
        "tail",
        "string",
        True,
        length_max=1_000,
        pattern="N[0-9]{1,5}",
        unique_ms=3_600_000,
        on={"wrong_pattern": "null", "not_unique": "warn"},
    )
    assert fields["distance"] == Field(
        "distance", "double", minimum=0.0, maximum=6_000.0, default=1.0, on={"out_of_range": "clip", "negative_zero": "reject"}
    )
    assert (stream().late_ms_max, stream().expect.every_ms, stream().expect.per_s, stream().extra_fields) == (
        172_800_000,
        10_000,
        5.0,
        "reject",
    )


def test_what_is_declared_survives_its_canonical_form() -> None:
    spec = load(TEXT)
    assert from_json(spec.to_json()) == spec


def test_a_field_without_new_rules_is_written_as_before_so_that_its_stream_keeps_its_version() -> None:
    body = json.loads(load(TEXT).to_json())["streams"]["flights"]["fields"]
    assert body["flight_id"] == {"type": "string", "nullable": False}


BAD = [
    ('pattern: "[A-Z]+"', 'pattern: "[A-Z"', "streams.flights.fields.origin.pattern: cannot be a pattern: unclosed character class"),
    ('pattern: "[A-Z]+"', r"pattern: '(a)\1'", "backreferences are not supported"),
    ('pattern: "[A-Z]+"', "pattern: '(?=a)a'", "look-around, including look-ahead and look-behind, is not supported"),
    ('pattern: "[A-Z]+"', r"pattern: '(\w{100}){100}'", "Compiled regex exceeds size limit"),
    ('pattern: "[A-Z]+"', "pattern: 'a)|(b'", "cannot be a pattern"),
    ("[3, 3]", "[4, 3]", "10:38: streams.flights.fields.origin.length: must be two whole numbers from 0 to 1000000"),
    ("[3, 3]", "[3, 2000]", "a text with a pattern has at most 1000 characters. Try: length: [3, 1000]"),
    ("type: double, range", "type: double, length: [1, 2], range", "fits type string only, not double. Try: range"),
    ("personal: true", "personal: 1", "must be true or false"),
    ("wrong_pattern: null", "wrong_patern: null", 'the key "wrong_patern" is unknown. Try: wrong_pattern'),
    ("wrong_pattern: null", "wrong_pattern: clip", '"clip" is unknown (reject, null, warn)'),
    ("nullable: true, pattern", "pattern", "on.wrong_pattern: a field that is not nullable cannot become null. Try: nullable: true"),
    ("range: [0, 6000], ", "", "fields.distance.on.out_of_range: there is no such rule here: it comes with range"),
    ("type: double, range", "type: double, unique: 1h, range", "distance.unique: fits strings and longs, not double"),
    ("default: 1,", "default: far,", 'fields.distance.default: "far" is not a default for type double'),
    ("default: 1,", "default: 7000,", 'fields.distance.default: "7000.0" breaks the field\'s own rules'),
    ("default: 1,", "default: 1, nullable: true,", "a nullable field is null where it is absent"),
    ("flight_id: string", "flight_id: {type: string, default: A}", '4:9: streams.flights.id: "flight_id" says which event it is'),
    (
        "flight_id: string",
        "flight_id: {type: string, length: [0, 9], on: {wrong_length: clip}}",
        '"flight_id" says which event it is: it has no default, and is never changed',
    ),
    ("rate: 300/m", "rate: 300/w", '7:32: streams.flights.expect.rate: "300/w" is not a rate. Try: rate: 5/s'),
    ("every: 10s", "evry: 10s", 'the key "evry" is unknown. Try: every'),
    ("extra_fields: reject", "extra_fields: clip", '"clip" is unknown (warn, reject)'),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_what_cannot_be_meant_is_refused_with_its_place(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(SpecError) as caught:
        load(TEXT.replace(old, new))
    assert message in str(caught.value)
    assert str(caught.value).startswith("penstock.yaml:")


def test_a_default_and_what_is_personal_stand_in_the_schemas() -> None:
    for schema in (stream_schema(stream()), producer_schema(stream())):
        fields = {field["name"]: field for field in schema["fields"]}
        assert fields["distance"] == {"name": "distance", "type": "double", "default": 1.0}
        assert fields["origin"]["penstock.personal"] is True


def test_the_default_policy_of_every_rule_is_to_reject_but_for_negative_zero() -> None:
    assert {rule: Field("x", "double").policy(rule) for rule in RULES if rule != "negative_zero"} == dict.fromkeys(
        RULES.keys() - {"negative_zero"}, "reject"
    )


@given(text=st.text("ab\n", max_size=8))
def test_a_pattern_is_matched_by_the_whole_text_only(text: str) -> None:
    assert compile_pattern("a*")(text) == (set(text) <= {"a"})
    assert compile_pattern("a|b")(text) == (text in ("a", "b"))


def test_the_page_on_contracts_lists_every_rule_with_its_policies() -> None:
    page = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| (?:`(\w+)`)? ?\| ([\w, ]+) \|$", page, re.MULTILINE)
    listed = {
        rule: (TYPES if types == "all" else tuple(types.split(", ")), key, tuple(told.split(", "))) for rule, types, key, told in rows
    }
    assert listed == {rule: tuple(each) for rule, each in RULES.items()}


def test_the_example_on_that_page_is_a_specification() -> None:
    page = (Path(__file__).parents[3] / "docs" / "contracts.md").read_text(encoding="utf-8")
    declared = stream(page.partition("```yaml\n")[2].partition("```")[0])
    assert (declared.fields["passenger"].personal, declared.fields["tailnum"].on) == (True, {"wrong_pattern": "null"})
