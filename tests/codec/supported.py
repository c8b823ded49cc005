"""The supported cases, and what each has become after its first events."""

from functools import cache
from typing import Any

from penstock.codec import encode
from penstock.codec.recipes import Recipe
from tests.codec.cases import TRAINING, Case, Journey, Preprocess, run, travel

SCALED: Preprocess = [
    {"select": "numbers", "then": "preprocessing.StandardScaler"},
    {"select": "strings", "then": "preprocessing.OneHotEncoder"},
]
MIN_MAX: Preprocess = [
    {"select": "numbers", "then": "preprocessing.MinMaxScaler"},
    {"select": ["color", "absent"], "then": "preprocessing.OneHotEncoder"},
]
UNIT: Preprocess = [{"select": "numbers", "then": "preprocessing.MinMaxScaler"}]
NUMBERS: Preprocess = [{"select": "numbers", "then": "preprocessing.StandardScaler"}]
BARE: Preprocess = [{"select": "numbers"}, {"select": "strings"}]
SMALL = {"grace_period": 30, "max_depth": 6, "delta": 0.2, "tau": 0.2}
LOGISTIC, LINEAR = "linear_model.LogisticRegression", "linear_model.LinearRegression"
BAYES = "naive_bayes.GaussianNB"
COLORED: Preprocess = [{"select": ["color"], "then": "preprocessing.OrdinalEncoder"}]


def _tree(kind: str, **arguments: Any) -> Recipe:
    return {f"tree.{kind}": {**SMALL, **arguments}}


def _regression(**arguments: Any) -> Recipe:
    return {LINEAR: {"intercept_lr": 0.001, **arguments}}


def _optimizer(name: str, optimizer: Recipe, stream: str = "phishing") -> Case:
    return Case(name, {LOGISTIC: {"optimizer": optimizer}}, stream, SCALED, subject=optimizer)


def _step(name: str, then: Recipe, stream: str = "phishing", select: Any = "numbers", learner: Recipe = LOGISTIC) -> Case:
    return Case(name, learner, stream, [{"select": select, "then": then}], subject=then)


def _ensemble(name: str, **arguments: Any) -> Recipe:
    return {f"ensemble.{name}": {"model": _tree("HoeffdingTreeClassifier"), "n_models": 3, **arguments}}


_ADAPTIVE = {"optimizer": {"optim.Adam": 0.02}, "initializer": {"optim.initializers.Normal": {"sigma": 0.1}}, "loss": "optim.losses.Hinge"}
_TWO_REGRESSORS = [_regression(), _regression(optimizer={"optim.Adam": 0.01})]
_TWO_CLASSIFIERS = [LOGISTIC, {LOGISTIC: {"optimizer": {"optim.Adam": 0.05}}}]
_FACTORS = {"n_factors": 4, "intercept": 0.1}
_HALF = {"n_trees": 5, "height": 4, "window_size": 50}

LINEAR_MODELS = [
    Case("logistic-sgd", {LOGISTIC: {"optimizer": {"optim.SGD": 0.02}}}, "phishing", SCALED),
    Case("logistic-adagrad", {LOGISTIC: {"optimizer": {"optim.AdaGrad": 0.05}, "l2": 0.001}}, "phishing", MIN_MAX),
    Case("logistic-adam", {LOGISTIC: _ADAPTIVE}, "bananas", SCALED),
    Case("logistic-bare", LOGISTIC, "bananas"),
    Case("logistic-focal", {LOGISTIC: {"loss": "optim.losses.BinaryFocalLoss"}}, "phishing", SCALED),
    Case("linear-squared", _regression(optimizer="optim.Adam", initializer={"optim.initializers.Constant": 0.1}), "trump", SCALED),
    Case("linear-huber", _regression(loss={"optim.losses.Huber": 0.5}), "trump", SCALED),
    Case("linear-absolute", _regression(loss="optim.losses.Absolute"), "trump", SCALED),
    Case("linear-cauchy", _regression(loss="optim.losses.Cauchy"), "trump", SCALED),
    Case("linear-hinge", _regression(loss="optim.losses.EpsilonInsensitiveHinge"), "trump", SCALED),
    Case("linear-quantile", _regression(loss={"optim.losses.Quantile": 0.9}), "trump", SCALED),
    Case("linear-poisson", _regression(loss="optim.losses.Poisson", optimizer={"optim.SGD": 0.0001}), "trump", SCALED),
    Case("softmax", {"linear_model.SoftmaxRegression": {"optimizer": {"optim.SGD": 0.01}}}, "segments", SCALED),
    Case("perceptron", "linear_model.Perceptron", "bananas", NUMBERS),
    Case("passive-aggressive", {"linear_model.PAClassifier": {"C": 0.1, "mode": 2}}, "phishing", NUMBERS),
    Case("passive-aggressive-regressor", {"linear_model.PARegressor": {"C": 0.1}}, "trump", NUMBERS),
    Case("alma", "linear_model.ALMAClassifier", "phishing", NUMBERS),
    Case("ad-predictor", "linear_model.AdPredictor", "phishing", SCALED),
    Case("factorization", {"facto.FMClassifier": {**_FACTORS, "seed": 3}}, "phishing", SCALED),
    Case("factorization-regressor", {"facto.FMRegressor": {**_FACTORS, "clip_gradient": 10.0}}, "trump", SCALED),
]
OPTIMIZERS = [
    _optimizer("sgd-scheduled", {"optim.SGD": {"lr": {"optim.schedulers.InverseScaling": 0.1}}}),
    _optimizer("sgd-optimal", {"optim.SGD": {"lr": {"optim.schedulers.Optimal": {"loss": "optim.losses.Log", "alpha": 0.01}}}}),
    _optimizer("adadelta", "optim.AdaDelta"),
    _optimizer("rmsprop", {"optim.RMSProp": 0.01}),
    _optimizer("momentum", {"optim.Momentum": 0.01}),
    _optimizer("nesterov", {"optim.NesterovMomentum": 0.01}),
    _optimizer("adamax", {"optim.AdaMax": 0.01}),
    _optimizer("nadam", {"optim.Nadam": 0.01}),
    _optimizer("amsgrad", {"optim.AMSGrad": 0.01}),
    _optimizer("adabound", {"optim.AdaBound": 0.01}),
    _optimizer("ftrl", "optim.FTRLProximal"),
    _optimizer("averager", {"optim.Averager": {"optimizer": {"optim.SGD": 0.05}, "start": 50}}),
]
TREES = [
    Case("tree", _tree("HoeffdingTreeClassifier"), "phishing"),
    Case(
        "tree-bayes", _tree("HoeffdingTreeClassifier", leaf_prediction="nb", splitter={"tree.splitter.GaussianSplitter": 5}), "segments"
    ),
    Case("tree-majority", _tree("HoeffdingTreeClassifier", leaf_prediction="mc", split_criterion="gini"), "phishing", BARE),
    Case("tree-histogram", _tree("HoeffdingTreeClassifier", splitter={"tree.splitter.HistogramSplitter": {"n_bins": 16}}), "bananas"),
    Case(
        "tree-exhaustive",
        _tree("HoeffdingTreeClassifier", splitter="tree.splitter.ExhaustiveSplitter", leaf_prediction="mc"),
        "bananas",
    ),
    Case("tree-adaptive", _tree("HoeffdingAdaptiveTreeClassifier"), "phishing"),
    Case("tree-adaptive-many", _tree("HoeffdingAdaptiveTreeClassifier", drift_window_threshold=50), "segments"),
    Case("tree-adaptive-gini", _tree("HoeffdingAdaptiveTreeClassifier", split_criterion="gini", delta=0.5), "phishing", BARE),
    Case("tree-fast", _tree("ExtremelyFastDecisionTreeClassifier", min_samples_reevaluate=20), "phishing"),
    Case("tree-last", {"tree.LASTClassifier": {"max_depth": 6}}, "phishing"),
    Case("tree-regressor", _tree("HoeffdingTreeRegressor"), "trump", SCALED),
    Case(
        "tree-regressor-mean", _tree("HoeffdingTreeRegressor", leaf_prediction="mean", splitter="tree.splitter.EBSTSplitter"), "trump"
    ),
    Case("tree-regressor-model", _tree("HoeffdingTreeRegressor", leaf_prediction="model"), "trump", SCALED),
    Case("tree-regressor-quantized", _tree("HoeffdingTreeRegressor", splitter={"tree.splitter.QOSplitter": 0.1}), "trump", SCALED),
    Case("tree-regressor-adaptive", _tree("HoeffdingAdaptiveTreeRegressor", drift_window_threshold=50), "trump", SCALED),
    Case("tree-gradient", {"tree.SGTClassifier": {"grace_period": 20, "delta": 0.1, "feature_quantizer": {"tree.splitter.StaticQuantizer": {"n_bins": 16, "warm_start": 20}}}}, "bananas"),  # fmt: skip
    Case("tree-gradient-regressor", {"tree.SGTRegressor": {"grace_period": 20, "delta": 0.1, "feature_quantizer": {"tree.splitter.DynamicQuantizer": 0.2}}}, "trump", NUMBERS),  # fmt: skip
    Case("forest", {"forest.ARFClassifier": {**SMALL, "n_models": 3}}, "bananas"),
    Case("forest-text", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "split_criterion": "gini"}}, "phishing"),
    Case("forest-majority", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "leaf_prediction": "mc"}}, "bananas"),
    Case("forest-bayes", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "leaf_prediction": "nb"}}, "bananas"),
    Case("forest-regressor", {"forest.ARFRegressor": {**SMALL, "n_models": 3}}, "trump", NUMBERS),
    Case("forest-extra", {"forest.OXTRegressor": {**SMALL, "n_models": 3}}, "trump", NUMBERS),
    Case("mondrian", {"forest.AMFClassifier": {"n_estimators": 2, "max_nodes": 100}}, "bananas", UNIT),
    Case("mondrian-regressor", {"forest.AMFRegressor": {"n_estimators": 2, "max_nodes": 100}}, "trump", UNIT),
]
ENSEMBLES = [
    Case("bagging", _ensemble("BaggingClassifier"), "phishing"),
    Case("bagging-regressor", {"ensemble.BaggingRegressor": {"model": _regression(), "n_models": 3}}, "trump", SCALED),
    Case("bagging-adwin", _ensemble("ADWINBaggingClassifier"), "bananas"),
    Case("boosting-adwin", _ensemble("ADWINBoostingClassifier"), "phishing"),
    Case("adaboost", _ensemble("AdaBoostClassifier"), "phishing"),
    Case("bole", _ensemble("BOLEClassifier"), "bananas"),
    Case("leveraging", _ensemble("LeveragingBaggingClassifier"), "phishing"),
    Case("patches", _ensemble("SRPClassifier", subspace_size=0.6), "segments"),
    Case("patches-regressor", {"ensemble.SRPRegressor": {"model": _tree("HoeffdingTreeRegressor"), "n_models": 3}}, "trump", NUMBERS),
    Case("voting", {"ensemble.VotingClassifier": {"models": [LOGISTIC, BAYES, _tree("HoeffdingTreeClassifier")]}}, "bananas", NUMBERS),
    Case("stacking", {"ensemble.StackingClassifier": {"models": [LOGISTIC, BAYES], "meta_classifier": LOGISTIC}}, "bananas", NUMBERS),
    Case("weighted-experts", {"ensemble.EWARegressor": {"models": _TWO_REGRESSORS, "learning_rate": 0.005}}, "trump", SCALED),
    Case("greedy", {"model_selection.GreedyRegressor": {"models": _TWO_REGRESSORS, "metric": "metrics.MAE"}}, "trump", SCALED),
    Case(
        "bandit",
        {"model_selection.BanditClassifier": {"models": _TWO_CLASSIFIERS, "metric": "metrics.Accuracy", "policy": {"bandit.Exp3": 0.5}}},
        "phishing",
        SCALED,
    ),
    Case(
        "bandit-greedy",
        {"model_selection.BanditClassifier": {"models": _TWO_CLASSIFIERS, "metric": "metrics.F1", "policy": {"bandit.EpsilonGreedy": 0.1}}},
        "phishing",
        SCALED,
    ),
    Case(
        "bandit-regressor",
        {"model_selection.BanditRegressor": {"models": _TWO_REGRESSORS, "metric": "metrics.RMSE", "policy": {"bandit.UCB": 1}}},
        "trump",
        SCALED,
    ),
    Case(
        "halving",
        {"model_selection.SuccessiveHalvingClassifier": {"models": _TWO_CLASSIFIERS, "metric": "metrics.Accuracy", "budget": 400}},
        "phishing",
        SCALED,
    ),
    Case(
        "halving-regressor",
        {"model_selection.SuccessiveHalvingRegressor": {"models": _TWO_REGRESSORS, "metric": "metrics.MAE", "budget": 400}},
        "trump",
        SCALED,
    ),
    Case("one-vs-rest", {"multiclass.OneVsRestClassifier": LOGISTIC}, "segments", NUMBERS),
    Case("one-vs-one", {"multiclass.OneVsOneClassifier": LOGISTIC}, "few segments", NUMBERS),
    Case("output-code", {"multiclass.OutputCodeClassifier": {"classifier": LOGISTIC, "code_size": 5}}, "few segments", NUMBERS),
    Case(
        "retraining",
        {"drift.DriftRetrainingClassifier": {"model": _tree("HoeffdingTreeClassifier"), "drift_detector": "drift.binary.DDM"}},
        "phishing",
    ),
    Case("chebyshev-over", {"imblearn.ChebyshevOverSampler": _regression()}, "trump", SCALED),
    Case("chebyshev-under", {"imblearn.ChebyshevUnderSampler": _regression()}, "trump", SCALED),
    Case("target-scaler", {"preprocessing.TargetStandardScaler": _regression()}, "trump", SCALED),
    Case("target-min-max", {"preprocessing.TargetMinMaxScaler": _regression()}, "trump", SCALED),
    Case("clipper", {"preprocessing.PredClipper": {"regressor": _regression(), "y_min": 0, "y_max": 100}}, "trump", SCALED),
]
OTHERS = [
    Case("gaussian-bayes", BAYES, "segments"),
    Case("multinomial-bayes", "naive_bayes.MultinomialNB", "sentences", [{"select": ["text"], "then": {"feature_extraction.BagOfWords": "text"}}]),
    Case("complement-bayes", {"naive_bayes.ComplementNB": 0.5}, "segments", UNIT),
    Case("bernoulli-bayes", "naive_bayes.BernoulliNB", "phishing", [{"select": "numbers", "then": "preprocessing.Binarizer"}]),
    Case("neighbors", {"neighbors.KNNClassifier": {"engine": {"neighbors.LazySearch": 60}}}, "phishing", NUMBERS),
    Case("neighbors-graph", {"neighbors.KNNClassifier": {"engine": {"neighbors.SWINN": {"graph_k": 5, "maxlen": 100, "warm_up": 50}}}}, "bananas", NUMBERS),
    Case("neighbors-regressor", {"neighbors.KNNRegressor": {"engine": {"neighbors.LazySearch": 60}}}, "trump", NUMBERS),
    Case("prior", "dummy.PriorClassifier", "segments"),
    Case("no-change", "dummy.NoChangeClassifier", "phishing"),
    Case("statistic", {"dummy.StatisticRegressor": "stats.Mean"}, "trump"),
    Case("statistic-quantile", {"dummy.StatisticRegressor": {"stats.Quantile": 0.9}}, "trump"),
    Case("statistic-recent", {"dummy.StatisticRegressor": {"stats.EWMean": 0.1}}, "trump"),
    Case("half-space-trees", {"anomaly.HalfSpaceTrees": _HALF}, "bananas", UNIT),
    Case("loda", {"anomaly.LODA": {"n_random_cuts": 10}}, "bananas", UNIT),
    Case("one-class", {"anomaly.OneClassSVM": 0.2}, "bananas", NUMBERS),
    Case("gaussian-scorer", {"anomaly.GaussianScorer": {"grace_period": 20}}, "trump"),
    Case("gaussian-scorer-recent", {"anomaly.GaussianScorer": {"grace_period": 20, "window_size": 50}}, "trump"),
    Case("deviation", "anomaly.StandardAbsoluteDeviation", "trump"),
    Case("predictive-anomaly", {"anomaly.PredictiveAnomalyDetection": {"predictive_model": {LINEAR: {"optimizer": {"optim.SGD": 1e-4}}}, "warmup_period": 20}}, "passengers"),
    Case("quantile-filter", {"anomaly.QuantileFilter": {"anomaly_detector": {"anomaly.HalfSpaceTrees": _HALF}, "q": 0.95}}, "bananas", UNIT),
    Case("threshold-filter", {"anomaly.ThresholdFilter": {"anomaly_detector": {"anomaly.HalfSpaceTrees": _HALF}, "threshold": 0.5, "protect_anomaly_detector": False}}, "bananas", UNIT),
    Case("snarimax", {"time_series.SNARIMAX": {"p": 3, "d": 1, "q": 2, "m": 12, "sp": 1}}, "passengers"),
    Case("snarimax-linear", {"time_series.SNARIMAX": {"p": 2, "d": 0, "q": 0, "regressor": {LINEAR: {"optimizer": {"optim.SGD": 1e-7}, "intercept_lr": 1e-4}}}}, "passengers"),
    Case("holt-winters", {"time_series.HoltWinters": {"alpha": 0.3, "beta": 0.1, "gamma": 0.6, "seasonality": 12, "multiplicative": True}}, "passengers"),
    Case("holt-winters-simple", {"time_series.HoltWinters": 0.5}, "passengers"),
    Case("k-means", {"cluster.KMeans": {"n_clusters": 3}}, "segments", pinned=True),
]  # fmt: skip
STEPS = [
    _step("scaler-adaptive", {"preprocessing.AdaptiveStandardScaler": 0.1}),
    _step("scaler-max", "preprocessing.MaxAbsScaler"),
    _step("scaler-robust", "preprocessing.RobustScaler"),
    _step("normalizer", {"preprocessing.Normalizer": 1}),
    _step("ordinal", "preprocessing.OrdinalEncoder", select=["color"]),
    _step("hasher", {"preprocessing.FeatureHasher": 64}),
    _step("projector", {"preprocessing.GaussianRandomProjector": 4}, "segments", learner=BAYES),
    _step("projector-sparse", {"preprocessing.SparseRandomProjector": {"n_components": 4, "density": 0.5}}, "segments", learner=BAYES),
    _step("rbf", {"feature_extraction.RBFSampler": 20}),
    _step("polynomial", {"feature_extraction.PolynomialExtender": 2}),
    _step("bag-of-words", {"feature_extraction.BagOfWords": "text"}, "sentences", ["text"]),
    _step("tfidf", {"feature_extraction.TFIDF": "text"}, "sentences", ["text"]),
    _step(
        "aggregate",
        {"feature_extraction.Agg": {"on": "empty_server_form_handler", "by": "color", "how": "stats.Mean"}},
        select=["empty_server_form_handler", "color"],
    ),
    _step("target-aggregate", {"feature_extraction.TargetAgg": {"by": ["color"], "how": {"stats.Var": 1}}}, "trump", ["color"], LINEAR),
    _step(
        "target-aggregate-rolling",
        {"feature_extraction.TargetAgg": {"by": "color", "how": {"utils.Rolling": {"cls": "stats.Mean", "window_size": 12}}}},
        "trump",
        ["color"],
        LINEAR,
    ),
    _step("select-best", {"feature_selection.SelectKBest": {"similarity": "stats.PearsonCorr", "k": 2}}),
    _step("variance-threshold", {"feature_selection.VarianceThreshold": 0.1}),
    _step("poisson-inclusion", {"feature_selection.PoissonInclusion": 0.3}),
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
    *(Case(name.lower(), f"metrics.{name}", "estimates") for name in ("MAE", "MSE", "RMSE", "RMSLE", "MAPE", "SMAPE", "R2")),
]
CASES = [*LINEAR_MODELS, *OPTIMIZERS, *TREES, *ENSEMBLES, *OTHERS, *STEPS, *DETECTORS, *METRICS]
BY_NAME = {case.name: case for case in CASES}


@cache
def journey(name: str) -> Journey:
    """The short journey of a case; made once, read by several tests."""
    return travel(BY_NAME[name])


@cache
def trained(name: str, events: int = TRAINING) -> bytes:
    """The state of a case after its first events."""
    if events == TRAINING:
        return journey(name).state
    case = BY_NAME[name]
    model = case.model()
    run(model, case.events(events))
    return encode(model)
