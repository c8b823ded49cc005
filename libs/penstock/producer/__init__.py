"""The producers' side: send events to a stream, and know what became of each (docs/producers.md)."""

from penstock.contract.problems import Problem
from penstock.producer.delivery import Acknowledgement, Delivery
from penstock.producer.errors import Closed, Invalid, NotAcknowledged, ProducerError, TooLarge, Unavailable, UnknownStream
from penstock.producer.producer import Producer
from penstock.producer.sync import SyncDelivery, SyncProducer

__all__ = [
    "Acknowledgement",
    "Closed",
    "Delivery",
    "Invalid",
    "NotAcknowledged",
    "Problem",
    "Producer",
    "ProducerError",
    "SyncDelivery",
    "SyncProducer",
    "TooLarge",
    "Unavailable",
    "UnknownStream",
]
