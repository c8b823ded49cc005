"""The monitor: watches how the served answers turned out, measures their quality and raises drift with its evidence."""

from penstock.process import Card

CARD = Card(
    name="monitor",
    consumes=("outcomes.*", "registry"),
    produces=("drift", "dlq.outcomes.*"),
    owns=("quality as served", "detector state", "snapshots"),
)
