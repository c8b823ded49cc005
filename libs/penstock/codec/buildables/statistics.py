"""Statistics over one value, as aggregates inside a model use them."""

from penstock.codec.arguments import FLAG, SHARE, Buildable, recipe, whole

_FADING = {"fading_factor": SHARE}

STATISTICS = {
    "stats.Mean": Buildable("statistic"),
    "stats.Sum": Buildable("statistic"),
    "stats.Count": Buildable("statistic"),
    "stats.Max": Buildable("statistic"),
    "stats.Min": Buildable("statistic"),
    "stats.Var": Buildable("statistic", {"ddof": whole(0, 1)}, "ddof"),
    "stats.EWMean": Buildable("statistic", _FADING, "fading_factor"),
    "stats.EWVar": Buildable("statistic", _FADING, "fading_factor"),
    "stats.Quantile": Buildable("statistic", {"q": SHARE}, "q"),
    "stats.Skew": Buildable("statistic", {"bias": FLAG}, "bias"),
    "stats.Kurtosis": Buildable("statistic", {"bias": FLAG}, "bias"),
    "stats.PearsonCorr": Buildable("similarity", {"ddof": whole(0, 1)}, "ddof"),
    "utils.Rolling": Buildable(
        "rolling", {"cls": recipe("statistic"), "window_size": whole(1, 100_000)}, required=("cls", "window_size")
    ),
}
