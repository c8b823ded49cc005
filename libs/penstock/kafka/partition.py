"""Which partition a key belongs to, as Kafka's own producers see it."""

from functools import lru_cache

from aiokafka.partitioner import murmur2

KEYS_CACHED_MAX = 100_000


@lru_cache(maxsize=KEYS_CACHED_MAX)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key`, from 0: murmur2, as Kafka's default partitioner. (librdkafka's default is another one: CRC32.)

    >>> partition_of(b"EWR", 8), partition_of(b"EWR", 1)
    (7, 0)
    """
    return 0 if partitions == 1 else int((murmur2(key) & 0x7FFF_FFFF) % partitions)
