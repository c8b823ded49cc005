"""The cohort: births follow from the log alone."""

from penstock.learning import seed_of


def test_the_seed_follows_from_the_name() -> None:
    assert (seed_of("m", 1), seed_of("m", 2), seed_of("n", 1)) == (93331299, 2004377599, 1919319185)
