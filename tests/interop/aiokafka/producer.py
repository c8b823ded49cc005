"""Sends signals as CloudEvents with aiokafka: JSON as the value, id and time in headers."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaProducer


async def main(stream: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=os.environ["BOOTSTRAP"], enable_idempotence=True) as producer:
        for number in range(count):
            at = datetime(2024, 2, 29, 12, tzinfo=UTC) + timedelta(seconds=number)
            attributes = {"specversion": "1.0", "id": f"aiokafka-{number}", "source": "roof", "type": "signal", "time": at.isoformat()}
            headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items()]
            station = f"Zürich-{number % 20}"
            signal = {"station": station, "celsius": -0.25 - number, "weather": "schön 🌦", "visibility": None}
            value = json.dumps(signal | {"counter": 9_000_000_000 + number}).encode()
            await producer.send_and_wait(f"events.{stream}", value, key=station.encode(), headers=headers)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
