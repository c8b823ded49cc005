"""Anomaly detectors, forecasters and clusterers."""

from penstock.codec.arguments import FLAG, NOT_THIS, POSITIVE, SEED, SHARE, Argument, Buildable, number, recipe, refused, whole

_SERIES = whole(0, 1_000)
_FILTER = {"anomaly_detector": recipe("anomaly detector"), "protect_anomaly_detector": FLAG}

OTHERS = {
    "anomaly.GaussianScorer": Buildable(
        "label anomaly detector", {"window_size": Argument(whole=(1, 100_000), null=True), "grace_period": whole(0, 1_000_000)}
    ),
    "anomaly.StandardAbsoluteDeviation": Buildable("label anomaly detector", {"sub_stat": NOT_THIS}),
    "anomaly.HalfSpaceTrees": Buildable(
        "anomaly detector",
        {
            "n_trees": whole(1, 100),
            "height": whole(1, 12),
            "window_size": whole(1, 1_000_000),
            "limits": refused("every feature is taken in [0, 1]: scale it, with preprocessing.MinMaxScaler"),
            "seed": SEED,
        },
    ),
    "anomaly.LODA": Buildable("anomaly detector", {"n_bins": whole(2, 1_000), "n_random_cuts": whole(1, 1_000), "seed": SEED}),
    "anomaly.PredictiveAnomalyDetection": Buildable(
        "label anomaly detector",
        {"predictive_model": recipe("regressor"), "horizon": whole(1, 1), "n_std": POSITIVE, "warmup_period": whole(0, 1_000_000)},
        "predictive_model",
        required=("predictive_model",),
    ),
    "anomaly.QuantileFilter": Buildable("anomaly detector", {**_FILTER, "q": SHARE}, required=("anomaly_detector", "q")),
    "anomaly.ThresholdFilter": Buildable(
        "anomaly detector", {**_FILTER, "threshold": number()}, required=("anomaly_detector", "threshold")
    ),
    "time_series.HoltWinters": Buildable(
        "forecaster",
        {
            "alpha": SHARE,
            "beta": Argument(number=(0.0, 1.0), null=True),
            "gamma": Argument(number=(0.0, 1.0), null=True),
            "seasonality": _SERIES,
            "multiplicative": FLAG,
        },
        "alpha",
        required=("alpha",),
    ),
    "time_series.SNARIMAX": Buildable(
        "forecaster",
        {
            "p": _SERIES,
            "d": whole(0, 10),
            "q": _SERIES,
            "m": whole(1, 1_000),
            "sp": whole(0, 100),
            "sd": whole(0, 10),
            "sq": whole(0, 100),
            "regressor": recipe("regressor"),
        },
        required=("p", "d", "q"),
    ),
    "cluster.KMeans": Buildable(
        "clusterer",
        {"n_clusters": whole(1, 1_000), "halflife": SHARE, "mu": number(), "sigma": POSITIVE, "p": whole(1, 10), "seed": SEED},
        "n_clusters",
    ),
}
