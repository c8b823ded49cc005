"""Statistics over one value, as aggregates inside a model use them."""

from penstock.codec.arguments import FLAG, SHARE, Buildable, whole

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
    "stats.Quantile": Buildable("quantile", {"q": SHARE}, "q"),
    "stats.Skew": Buildable("statistic", {"bias": FLAG}, "bias"),
    "stats.Kurtosis": Buildable("statistic", {"bias": FLAG}, "bias"),
    "stats.PearsonCorr": Buildable("similarity", {"ddof": whole(0, 1)}, "ddof"),
}
