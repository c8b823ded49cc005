"""Hostile records: good ones in every framing, and what chance makes of them. The same seed gives the same records."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, NamedTuple

from penstock.fold.protocol import Header
from tests.hostile.stream import as_json, sighting

GOOD_EVERY, AGAIN_EVERY = 10, 40  # one of so many is left as it is, and one of so many of those comes again
TOPIC_BYTES_MAX = 1_040_000  # key, value and headers that Kafka takes for one record
CONFLUENT_HEADER_BYTES = 5


class Sent(NamedTuple):
    """A record as it is sent, and the name of what was done to it; a good one has none."""

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    deed: str = ""


@dataclass(frozen=True, slots=True)
class Maker:
    """What makes records of one stream: its Confluent-Avro encoder, and the fingerprint of its schema."""

    frame: Callable[[Mapping[str, Any]], bytes]
    mark: bytes

    def records(self, count: int, seed: int) -> Iterator[Sent]:
        """So many hostile records, with good ones between them."""
        chance, good = Random(seed), list[Sent]()
        for number in range(count):
            if number % GOOD_EVERY == 0:
                good.append(self._framed(sighting(number, chance), chance))
                yield good[-1]
            if number % AGAIN_EVERY == 0:
                yield chance.choice(good)._replace(deed="sent again")
            event = sighting(chance.choice((-1, number)) if number else 1, chance)
            event["sighting_id"] = f"hostile {number}"
            deed = chance.choices(tuple(DEEDS), tuple(weight for weight, _ in DEEDS.values()))[0]
            sent = DEEDS[deed][1](self, event, chance)._replace(deed=deed)
            yield sent if _size(sent) <= TOPIC_BYTES_MAX else sent._replace(value=b"{", headers=())

    def _framed(self, event: dict[str, Any], chance: Random) -> Sent:
        """An event as it is, in one of the framings."""
        key = event["place"].encode()
        match chance.randrange(4):
            case 0:
                return Sent(key, as_json(event))
            case 1:
                return Sent(key, self.frame(event))
            case 2:
                return Sent(key, b"\xc3\x01" + self.mark + self.frame(event)[CONFLUENT_HEADER_BYTES:])
            case _:
                return Sent(key, as_json(envelope(event)), (("content-type", b"application/cloudevents+json; charset=utf-8"),))

    def changed_bytes(self, event: dict[str, Any], chance: Random) -> Sent:
        sent = self._framed(event, chance)
        return sent._replace(value=mutated(sent.value or b"", chance))

    def flipped_bits(self, event: dict[str, Any], chance: Random) -> Sent:
        sent = self._framed(event, chance)
        flipped = bytearray(sent.value or b"")
        for _ in range(chance.randint(1, 3)):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        return sent._replace(value=bytes(flipped))

    def cut_off(self, event: dict[str, Any], chance: Random) -> Sent:
        sent = self._framed(event, chance)
        return sent._replace(value=(sent.value or b"")[: chance.randrange(len(sent.value or b"1"))])

    def trailing(self, event: dict[str, Any], chance: Random) -> Sent:
        sent = self._framed(event, chance)
        return sent._replace(value=(sent.value or b"") + chance.choice((b" ", b"\0", b"}", chance.randbytes(7), sent.value or b"")))

    def wrong_id(self, event: dict[str, Any], chance: Random) -> Sent:
        body = self.frame(event)[CONFLUENT_HEADER_BYTES:]
        id = chance.choice((chance.randrange(60), chance.getrandbits(32), 0, 2**31, 2**32 - 1))
        confluent = b"\0" + id.to_bytes(4, "big") + body
        return Sent(None, chance.choice((confluent, b"\xc3\x01" + chance.randbytes(8) + body)))

    def length_bomb(self, event: dict[str, Any], chance: Random) -> Sent:
        """An Avro text that says to be enormous; JSON that is deep, wide, or has numbers without end."""
        huge = chance.choice(
            (b"\xfe\xff\xff\xff\x0f", b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x01", b"\xff" * 12, b"\x80" * 40 + b"\x01")
        )
        frame = self.frame(event)
        deep = chance.choice((500, 100_000))
        bombs = (
            frame[:CONFLUENT_HEADER_BYTES] + huge + frame[CONFLUENT_HEADER_BYTES:],
            b"\xc3\x01" + self.mark + huge,
            b'{"note":' + b"[" * deep,
            b'{"note":' * min(deep, 90_000),
            b'{"size":' + b"9" * deep + b"}",
            b'{"size":1e' + b"9" * chance.choice((3, 50_000)) + b"}",
            b'{"note":[' + b"0," * deep + b"0]}",
            as_json({**event, "note": "x" * chance.choice((2_001, 900_000))}),
        )
        return Sent(None, chance.choice(bombs))

    def hostile_value(self, event: dict[str, Any], chance: Random) -> Sent:
        name, text = chance.choice(tuple(event)), chance.choice(VALUES)
        sent = json.dumps(event | {name: "HERE"}).replace('"HERE"', text, 1)
        return Sent(None, sent.encode(errors="surrogatepass"))

    def hostile_field(self, event: dict[str, Any], chance: Random) -> Sent:
        """Fields absent, doubled, or of another stream; in Avro numbers that JSON has not."""
        less = dict(event)
        del less[chance.choice(tuple(event))]
        odd = {
            **event,
            "size": chance.choice((float("nan"), float("inf"), -0.0, -1.0)),
            "weight": chance.choice((float("nan"), 11.0, -0.0)),
        }
        twice = as_json(event)[:-1] + b', "size": 1}'
        return Sent(
            None, chance.choice((as_json(less), self.frame(odd), twice, as_json([event]), b"null", as_json(event | {"__proto__": {}})))
        )

    def envelope(self, event: dict[str, Any], chance: Random) -> Sent:
        """A structured CloudEvent in which something is not as it should be."""
        found = envelope(event)
        name = chance.choice((*found, "data_base64", "time"))
        inner = chance.choice((self.frame(event), as_json(event), b"\xff", b""))
        found[name] = chance.choice(
            (None, 7, "", [], {}, "penstock.tick", "x" * 2_000, "é" * 600, base64.b64encode(inner).decode(), "1.0", "2.0")
        )
        if name == "data_base64":
            found.pop("data")
        return Sent(None, as_json(found), (("content-type", b"application/cloudevents+json"),))

    def header(self, event: dict[str, Any], chance: Random) -> Sent:
        sent = Sent(None, chance.choice((as_json(event), self.frame(event))))
        name = chance.choice(HEADER_NAMES)
        values = (None, b"", b"\xff\xfe", b"x" * 1_024, b"x" * 1_025, b"2013-07-01T00:00:00Z", b"2099-01-01T00:00:00Z", chance.randbytes(9))
        more: tuple[Header, ...] = ((name, chance.choice((*values, *HEADER_VALUES))),)
        return sent._replace(headers=more * chance.choice((1, 1, 1, 2)))

    def huge(self, event: dict[str, Any], chance: Random) -> Sent:
        """Keys and headers of a size that nobody needs."""
        value, size = as_json(event), chance.choice((2_000, 60_000, 700_000))
        match chance.randrange(4):
            case 0:
                return Sent(b"k" * size, value)
            case 1:
                return Sent(chance.randbytes(9), value, (("x-" + "n" * min(size, 30_000), b"v" * (size // 2)),))
            case 2:
                return Sent(b"", value, tuple((f"h{number}", b"v") for number in range(size // 200)))
            case _:
                return Sent(None, value, (("ce_subject", b"s" * size), ("", None)))

    def empty_or_oversize(self, event: dict[str, Any], chance: Random) -> Sent:
        value = as_json(event)
        padded = value[:-1] + b" " * (1_000_001 - len(value)) + b"}"
        return Sent(b"k", chance.choices((None, b"", b" ", b"\n" + value, padded, padded[1:]), (6, 6, 6, 6, 1, 1))[0])

    def repeated(self, event: dict[str, Any], chance: Random) -> Sent:
        """The id of one that came before, or may come: the very same event, or another."""
        event["sighting_id"] = f"s{10 * chance.randrange(40)}"
        return self._framed(event, chance)

    def tick(self, event: dict[str, Any], chance: Random) -> Sent:
        time = chance.choice((None, 7, "", "soon", "2013-07-01", "2013-07-01T00:00:00Z", "2099-01-01T00:00:00Z", "1969-12-31T23:59:59Z"))
        return Sent(None, as_json({"penstock.tick": time} if chance.random() < 0.7 else event | {"penstock.tick": time}))


def envelope(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as a structured CloudEvent."""
    return {"specversion": "1.0", "id": event["sighting_id"], "source": "trap/7", "type": "sightings", "data": dict(event)}


def mutated(data: bytes, chance: Random) -> bytes:
    """A few bytes changed, taken out, put in or doubled."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(changed) + 1)
        end = min(len(changed), start + chance.randint(0, 8))
        changed[start:end] = chance.choice(
            (chance.randbytes(end - start), b"", chance.randbytes(3), bytes(changed[start:end]) * 2, b"\xff" * 9)
        )
    return bytes(changed)


def _size(sent: Sent) -> int:
    return len(sent.key or b"") + len(sent.value or b"") + sum(len(name) + len(value or b"") + 10 for name, value in sent.headers)


HEADER_NAMES = (
    "ce_id",
    "ce_time",
    "ce_type",
    "ce_source",
    "ce_subject",
    "ce_specversion",
    "content-type",
    "traceparent",
    "__dlq.replay.of",
)
HEADER_VALUES = (
    b"penstock.tick",
    b"penstock.quarantine",
    b"application/json",
    b"application/cloudevents+json",
    b"application/cloudevents+avro",
    b"application/cloudevents-batch+json",
    b"events.nobody:0:0",
    b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01",
)
VALUES = (
    *("null", "true", "0", "-0", "-0.0", "1.0", "1.5", "-1", "101", "1e400", "-1e400", "1e-400", "NaN", "Infinity", "-Infinity", '"NaN"'),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "1" + "0" * 400,
        "1e308",
        "0.1e1",
        "00",
        "1.",
        ".5",
        "+1",
        "0x10",
    ),
    *(
        '""',
        '"\\u0000"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\ud800"',
        '"\\ud83d\\ude00"',
        '"' + "x" * 1_025 + '"',
        '"' + "é" * 600 + '"',
        '"\\x"',
    ),
    *(
        '"' + "y" * 3_000 + '"',
        '"bird "',
        '"2013-07-01T00:00:00Z"',
        '"2013-07-01T00:00:00"',
        '"2013-02-30T00:00:00Z"',
        '"2099-01-01T00:00:00Z"',
    ),
    *(
        '"1969-12-31T23:59:59Z"',
        '"0001-01-01T00:00:00+23:59"',
        '"9999-12-31T23:59:59-23:59"',
        "-62135596800001",
        "253402300800000",
        "[]",
        "{}",
    ),
    *(
        '"2013-07-01T00:00:60Z"',
        '"2013-07-01T24:00:00Z"',
        '"2013-07-01t00:00:00.123456789z"',
        "[null]",
        '{"a": 1, "a": 2}',
        "tru",
        "'x'",
        "/**/1",
    ),
)
DEEDS: dict[str, tuple[int, Callable[[Maker, dict[str, Any], Random], Sent]]] = {
    "bytes changed": (20, Maker.changed_bytes),
    "bits flipped": (15, Maker.flipped_bits),
    "cut off": (8, Maker.cut_off),
    "trailing bytes": (6, Maker.trailing),
    "wrong id": (5, Maker.wrong_id),
    "length bomb": (3, Maker.length_bomb),
    "hostile value": (18, Maker.hostile_value),
    "hostile fields": (7, Maker.hostile_field),
    "CloudEvent": (8, Maker.envelope),
    "header": (8, Maker.header),
    "huge key or headers": (1, Maker.huge),
    "empty or oversize": (1, Maker.empty_or_oversize),
    "id repeated": (3, Maker.repeated),
    "tick": (2, Maker.tick),
}
