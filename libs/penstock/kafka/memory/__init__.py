"""The twin of Kafka in memory, with every fault we know of, drawn from one seed: for tests and the deterministic simulation."""

from penstock.kafka.memory.broker import MemoryBroker
from penstock.kafka.memory.cluster import MemoryKafka
from penstock.kafka.memory.consumer import MemoryConsumer
from penstock.kafka.memory.faults import Crash, Fate, Faults, NoFaults, SeededFaults
from penstock.kafka.memory.producer import MemoryProducer

__all__ = ["Crash", "Fate", "Faults", "MemoryBroker", "MemoryConsumer", "MemoryKafka", "MemoryProducer", "NoFaults", "SeededFaults"]
