"""The registry: specifications, versions, checkpoints, aliases and schemas, and the compacted topic that tells everybody of them."""

from penstock.process import Card

CARD = Card(
    name="registry",
    consumes=(),
    produces=("registry",),
    owns=("specs", "versions", "checkpoints", "blobs", "aliases", "proposals", "schemas", "audit log", "topics"),
)
