"""Which partition a key belongs to, as Kafka's own producers see it."""

from aiokafka.partitioner import murmur2

KEYS_CACHED_MAX = 100_000


class Partitioner:
    """Kafka's default partitioner: murmur2 of the key's bytes. (librdkafka's default is another one: CRC32.)

    >>> Partitioner(8)(b"EWR"), Partitioner(1)(b"EWR")
    (7, 0)
    """

    __slots__ = ("_cache", "_partitions")

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._cache: dict[bytes, int] = {}

    def __call__(self, key: bytes) -> int:
        """The partition of `key`, from 0."""
        if self._partitions == 1:
            return 0
        partition = self._cache.get(key)
        return self._compute(key) if partition is None else partition

    def _compute(self, key: bytes) -> int:
        if len(self._cache) >= KEYS_CACHED_MAX:
            self._cache.clear()
        partition: int = (murmur2(key) & 0x7FFF_FFFF) % self._partitions
        self._cache[key] = partition
        return partition
