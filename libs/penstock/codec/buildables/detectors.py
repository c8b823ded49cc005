"""Drift detectors: over numbers, as the monitor feeds them, and over errors, for models that retrain."""

from penstock.codec.arguments import EVENTS, FLAG, NOT_THIS, POSITIVE, SEED, SHARE, Argument, Buildable, whole, words

_CONFIDENCE = {"drift_confidence": SHARE, "warning_confidence": SHARE, "two_sided_test": FLAG}

DETECTORS = {
    "drift.ADWIN": Buildable(
        "detector",
        {
            "delta": SHARE,
            "clock": EVENTS,
            "max_buckets": whole(2, 64),
            "min_window_length": EVENTS,
            "grace_period": EVENTS,
        },
        "delta",
    ),
    "drift.KSWIN": Buildable(
        "detector",
        {"alpha": SHARE, "window_size": whole(2, 10_000), "stat_size": whole(1, 10_000), "seed": SEED, "window": NOT_THIS},
        "alpha",
    ),
    "drift.PageHinkley": Buildable(
        "detector",
        {"min_instances": EVENTS, "delta": POSITIVE, "threshold": POSITIVE, "alpha": SHARE, "mode": words("up", "down", "both")},
    ),
    "drift.NoDrift": Buildable("detector"),
    "drift.binary.DDM": Buildable("warning detector", {"warm_start": EVENTS, "warning_threshold": POSITIVE, "drift_threshold": POSITIVE}),
    "drift.binary.EDDM": Buildable("warning detector", {"warm_start": EVENTS, "alpha": SHARE, "beta": SHARE}),
    "drift.binary.HDDMA": Buildable("warning detector", _CONFIDENCE),
    "drift.binary.HDDMW": Buildable("warning detector", {**_CONFIDENCE, "lambda_val": SHARE}),
    "drift.binary.FHDDM": Buildable(
        "error detector",
        {
            "sliding_window_size": whole(1, 100_000),
            "confidence_level": SHARE,
            "short_window_size": Argument(whole=(1, 100_000), null=True),
        },
    ),
}
