"""Ingestion takes producers' events in any framing, holds them to the contract of their stream, and lets each through once."""

from penstock.process import Card

CARD = Card(
    name="ingestion",
    consumes=("events.*", "registry"),
    produces=("validated.*", "dlq.events.*", "events.*"),
    owns=("dedup window",),
)
