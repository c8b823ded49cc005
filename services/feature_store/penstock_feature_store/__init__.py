"""The feature store: views over streams become feature vectors, as of event time, and labels find their model's log."""

from penstock.process import Card

CARD = Card(
    name="feature_store",
    consumes=("validated.*", "registry"),
    produces=("features.*", "learning.*", "dlq.*"),
    owns=("online values",),
)
