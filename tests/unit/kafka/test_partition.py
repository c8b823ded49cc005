"""Keys go where Kafka's own producers put them."""

import pytest

from penstock.kafka.partition import partition_of

HASHES = {  # from Kafka's UtilsTest.testMurmur2
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"abc": 479470107,
}


@pytest.mark.parametrize("key", HASHES)
def test_a_key_goes_to_the_partition_that_kafkas_own_producer_would_choose(key: bytes) -> None:
    for partitions in (1, 2, 3, 12, 1_000):
        assert partition_of(key, partitions) == (HASHES[key] & 0x7FFF_FFFF) % partitions
