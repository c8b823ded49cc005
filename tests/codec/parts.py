"""Cases: transformers, drift detectors and metrics."""

from tests.codec.cases import Case
from tests.codec.recipes import BAYES, LINEAR, with_step

STEPS = [
    with_step("scaler-adaptive", {"preprocessing.AdaptiveStandardScaler": 0.1}),
    with_step("scaler-max", "preprocessing.MaxAbsScaler"),
    with_step("scaler-robust", "preprocessing.RobustScaler"),
    with_step("normalizer", {"preprocessing.Normalizer": 1}),
    with_step("ordinal", "preprocessing.OrdinalEncoder", select=["color"]),
    with_step("hasher", {"preprocessing.FeatureHasher": 64}),
    with_step("projector", {"preprocessing.GaussianRandomProjector": 4}, "segments", learner=BAYES),
    with_step("projector-sparse", {"preprocessing.SparseRandomProjector": {"n_components": 4, "density": 0.5}}, "segments", learner=BAYES),
    with_step("rbf", {"feature_extraction.RBFSampler": 20}),
    with_step("polynomial", {"feature_extraction.PolynomialExtender": 2}),
    with_step("bag-of-words", {"feature_extraction.BagOfWords": "text"}, "sentences", ["text"]),
    with_step("tfidf", {"feature_extraction.TFIDF": "text"}, "sentences", ["text"], pinned=True),
    with_step(
        "aggregate",
        {"feature_extraction.Agg": {"on": "empty_server_form_handler", "by": "color", "how": "stats.Mean"}},
        select=["empty_server_form_handler", "color"],
    ),
    with_step("target-aggregate", {"feature_extraction.TargetAgg": {"by": ["color"], "how": {"stats.Var": 1}}}, "trump", ["color"], LINEAR),
    *(
        with_step(
            f"target-{name.lower()}", {"feature_extraction.TargetAgg": {"by": "color", "how": f"stats.{name}"}}, "trump", ["color"], LINEAR
        )
        for name in ("Sum", "Count", "Skew", "Kurtosis")
    ),
    with_step("select-best", {"feature_selection.SelectKBest": {"similarity": "stats.PearsonCorr", "k": 2}}),
    with_step("variance-threshold", {"feature_selection.VarianceThreshold": 0.1}),
    with_step("poisson-inclusion", {"feature_selection.PoissonInclusion": 0.3}),
]

DETECTORS = [
    Case("adwin", "drift.ADWIN", "errors"),
    Case("page-hinkley", "drift.PageHinkley", "errors"),
    Case("page-hinkley-up", {"drift.PageHinkley": {"mode": "up", "threshold": 10}}, "errors"),
    Case("page-hinkley-down", {"drift.PageHinkley": {"mode": "down"}}, "errors"),
    Case("kswin", {"drift.KSWIN": 0.001}, "errors"),
    Case("ddm", "drift.binary.DDM", "mistakes"),
    Case("eddm", "drift.binary.EDDM", "mistakes"),
    Case("fhddm", {"drift.binary.FHDDM": {"sliding_window_size": 100, "short_window_size": 20}}, "mistakes"),
    Case("hddm-a", "drift.binary.HDDMA", "mistakes"),
    Case("hddm-w", "drift.binary.HDDMW", "mistakes"),
]

METRICS = [
    Case("log-loss", "metrics.LogLoss", "scores"),
    Case("rocauc", "metrics.ROCAUC", "scores"),
    Case("rocauc-rolling", {"metrics.RollingROCAUC": 100}, "scores"),
    Case("prauc-rolling", {"metrics.RollingPRAUC": 100}, "scores"),
    *(Case(name.lower(), f"metrics.{name}", "scores") for name in ("Accuracy", "F1", "Precision", "Recall", "Jaccard", "MCC")),
    Case("f-beta", {"metrics.FBeta": 2}, "scores"),
    *(Case(name.lower(), f"metrics.{name}", "colors") for name in ("BalancedAccuracy", "CohenKappa", "CrossEntropy", "GeometricMean")),
    *(Case(name.lower(), f"metrics.{name}", "colors") for name in ("MacroF1", "MacroPrecision", "MacroRecall", "MicroF1", "WeightedF1")),
    *(Case(name.lower(), f"metrics.{name}", "estimates") for name in ("MAE", "MSE", "RMSE", "MAPE", "SMAPE", "R2")),
    Case("rmsle", "metrics.RMSLE", "amounts"),
]
