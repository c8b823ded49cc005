"""Known digests: the format and River's private attributes have not moved."""

import pytest

from penstock.codec import digest, runtime
from tests.codec.supported import trained

# States without logarithms or exponentials in them, so that the numbers are the same on every machine.
GOLDEN = {
    ("accuracy", 300): "4a3a17ad6c43bb065c1635fe017dab097663a8b34b60d0c4f225bd4131546539",
    ("mae", 300): "c04e4ef067c4334b0e2f3d1bb9c1070d22198946a89bcf00126b4a7d497d174a",
    ("prior", 300): "5f965883b68ceb2582ade52df943d3cf8da190eccfa3f9bddd12afd35736a1b0",
    ("logistic-sgd", 0): "a55668767f6fca6a980ca5bcac87f19e7f2b36eb676e0d720ce85c21ebb31bd2",
    ("tree", 0): "1545ac320f76242526042c27b9c17959ed55e84e43ed0177d606f723aa9adc90",
    ("forest", 0): "cab46b91cd066909010db2ca16a5f5c3fe11bd5afa6c3780f63e908f2b6054dd",
}


@pytest.mark.parametrize(("name", "events"), GOLDEN)
def test_the_digest_is_the_known_one(name: str, events: int) -> None:
    assert digest(trained(name, events)) == GOLDEN[name, events]


def test_the_fingerprint_names_all_that_a_digest_hangs_on() -> None:
    assert set(runtime()) == {"python", "river", "numpy", "penstock", "machine", "hash_seed"}
    assert all(runtime().values())
