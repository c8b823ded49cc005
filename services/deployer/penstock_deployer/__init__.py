"""The deployer: answers every feature vector with the checkpoint that serves, and says in the log which one that is."""

from penstock.process import Card

CARD = Card(
    name="deployer",
    consumes=("features.*", "registry"),
    produces=("predictions.*", "learning.*", "features.*", "dlq.features.*", "dlq.registry"),
    owns=("snapshots",),
)
