"""Producers with older and newer schemas on one topic: fields taken by name are what Avro's resolution gives."""

from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given, settings, strategies as st

from penstock.contract.contract import compile_contract
from penstock.framing.decoder import Decoder
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry, Schema
from penstock.spec import Field
from penstock.spec.avro import producer_schema
from tests.unit.ingestion.streams import fields, flights

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text("abé", max_size=3),
    "double": st.floats(-9, 9).filter(lambda number: str(number) != "-0.0"),
    "long": st.integers(-9, 9),
    "boolean": st.booleans(),
    "timestamp": st.integers(0, 10**12),
}


@st.composite
def declared(draw: st.DrawFn, optional: bool) -> dict[str, Field]:
    """Fields that every version of a stream has, or others that may come and go, of one type under one name."""
    names = ("kept", "wide") if not optional else draw(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True))
    types = {"kept": "string", "wide": "double", "a": "string", "b": "double", "c": "long", "d": "boolean"}
    found = []
    for name in names:
        default = draw(VALUES[types[name]]) if optional else None
        nullable = optional and draw(st.booleans())
        found.append(Field(name, types[name], nullable, default=None if nullable else default))
    return fields(*found)


@st.composite
def versions(draw: st.DrawFn) -> tuple[dict[str, Field], dict[str, Field], dict[str, Any]]:
    """What a producer knows of a stream, what the stream is now, and an event of that producer."""
    always = draw(declared(optional=False))
    written, current = ({**always, **draw(declared(optional=True))} for _ in range(2))
    written |= {"wide": Field("wide", draw(st.sampled_from(["long", "double"])))}  # a long that the stream has made a double since
    event = {name: draw(st.none() | VALUES[field.type]) if field.nullable else draw(VALUES[field.type]) for name, field in written.items()}
    for name in written.keys() & current.keys():
        if not current[name].nullable:  # as in any compatible evolution
            current[name] = Field(
                name, current[name].type, written[name].nullable, default=None if written[name].nullable else current[name].default
            )
    return written, current, event


@settings(deadline=None)
@given(drawn=versions())
async def test_fields_by_name_are_what_the_resolution_of_avro_gives(
    drawn: tuple[dict[str, Field], dict[str, Field], dict[str, Any]],
) -> None:
    written, current, event = drawn
    old, new = flights(fields=written), flights(fields=current)
    registry = MemorySchemaRegistry()
    wire = Wire(registry)
    value = (await wire.writer("events.flights", producer_schema(old)))(event)
    taken = compile_contract(new)(Decoder(wire).read(value))
    resolved = compile_contract(new)(resolve(producer_schema(old), producer_schema(new), event))
    assert taken == resolved


def resolve(writer: Schema, reader: Schema, event: dict[str, Any]) -> dict[str, Any]:
    buffer = BytesIO()
    schemaless_writer(buffer, parse_schema(writer), event)
    buffer.seek(0)
    record = schemaless_reader(buffer, parse_schema(writer), parse_schema(reader))
    assert isinstance(record, dict)
    return record
