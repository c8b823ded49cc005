"""Metrics."""

from penstock.codec.arguments import FLAG, POSITIVE, Buildable, whole

_POSITIVE_VALUE = {"pos_val": FLAG}
_ROLLING = {"window_size": whole(1, 100_000), **_POSITIVE_VALUE}

METRICS = {
    "metrics.LogLoss": Buildable("classification metric"),
    "metrics.CrossEntropy": Buildable("classification metric"),
    "metrics.ROCAUC": Buildable("classification metric", {"n_thresholds": whole(2, 1_000), **_POSITIVE_VALUE}, "n_thresholds"),
    "metrics.RollingROCAUC": Buildable("classification metric", _ROLLING, "window_size"),
    "metrics.RollingPRAUC": Buildable("classification metric", _ROLLING, "window_size"),
    "metrics.Accuracy": Buildable("classification metric"),
    "metrics.BalancedAccuracy": Buildable("classification metric"),
    "metrics.CohenKappa": Buildable("classification metric"),
    "metrics.GeometricMean": Buildable("classification metric"),
    "metrics.F1": Buildable("classification metric", _POSITIVE_VALUE),
    "metrics.FBeta": Buildable("classification metric", {**_POSITIVE_VALUE, "beta": POSITIVE}, "beta", required=("beta",)),
    "metrics.Precision": Buildable("classification metric", _POSITIVE_VALUE),
    "metrics.Recall": Buildable("classification metric", _POSITIVE_VALUE),
    "metrics.Jaccard": Buildable("classification metric", _POSITIVE_VALUE),
    "metrics.MCC": Buildable("classification metric", _POSITIVE_VALUE),
    "metrics.MacroF1": Buildable("classification metric"),
    "metrics.MacroPrecision": Buildable("classification metric"),
    "metrics.MacroRecall": Buildable("classification metric"),
    "metrics.MicroF1": Buildable("classification metric"),
    "metrics.WeightedF1": Buildable("classification metric"),
    "metrics.MAE": Buildable("regression metric"),
    "metrics.MSE": Buildable("regression metric"),
    "metrics.RMSE": Buildable("regression metric"),
    "metrics.RMSLE": Buildable("regression metric"),
    "metrics.MAPE": Buildable("regression metric"),
    "metrics.SMAPE": Buildable("regression metric"),
    "metrics.R2": Buildable("regression metric"),
}
