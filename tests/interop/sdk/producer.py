"""Sends readings with Penstock's own producer, and prints where each of them stands in the log."""

import os
import sys

from penstock.producer import SyncProducer

with SyncProducer(os.environ["BOOTSTRAP"]) as producer:
    for number in range(int(sys.argv[2])):
        reading = {"reading_id": f"sdk-{number}", "station": f"Zürich-{number % 20}", "at": 1_709_208_000_000 + 1_000 * number}
        reading |= {"celsius": -0.25 - number, "weather": "schön 🌦", "visibility": None, "counter": 9_000_000_000 + number}
        print(*producer.send(sys.argv[1], reading))
