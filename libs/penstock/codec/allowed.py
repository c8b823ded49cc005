"""The allow-list beside `attributes`: native classes, and the functions, methods and partials that a state may hold."""

from collections.abc import Mapping
from typing import Any

RUST_CLASSES = (
    "river._river_rust.drift.AdaptiveWindowing",
    "river._river_rust.stats.RsEWMean",
    "river._river_rust.stats.RsEWVar",
    "river._river_rust.stats.RsIQR",
    "river._river_rust.stats.RsKurtosis",
    "river._river_rust.stats.RsQuantile",
    "river._river_rust.stats.RsRollingPRAUC",
    "river._river_rust.stats.RsRollingROCAUC",
    "river._river_rust.stats.RsSkew",
)

# Deques with parameters, which a state holds whole.
_SERIES = "river.time_series.holt_winters"
COMPONENTS: Mapping[str, tuple[str, ...]] = {
    f"{_SERIES}.AdditiveLevel": ("alpha",),
    f"{_SERIES}.AdditiveSeason": ("gamma", "seasonality"),
    f"{_SERIES}.MultiplicativeLevel": ("alpha",),
    f"{_SERIES}.MultiplicativeSeason": ("gamma", "seasonality"),
    f"{_SERIES}.Trend": ("beta",),
}

# What stands in a state as a factory, a type or a slot. A name with brackets is functools.partial with one argument.
CALLABLES = (
    "builtins.bool",
    "builtins.dict",
    "builtins.float",
    "builtins.int",
    "builtins.set",
    "builtins.str",
    "builtins.tuple",
    "collections.Counter",
    "collections.defaultdict",
    "collections.defaultdict(builtins.float)",
    "collections.defaultdict(river.naive_bayes.gaussian.GaussianNB._make_gaussian)",
    "copy.deepcopy",
    "river._river_rust.vectordict.euclidean_distance_tuple",
    "river.ensemble.streaming_random_patches.BaseSRPClassifier",
    "river.ensemble.streaming_random_patches.BaseSRPRegressor",
    "river.forest.online_extra_trees.ExtraTrees._detection_mode_all",
    "river.forest.online_extra_trees.ExtraTrees._detection_mode_drop",
    "river.forest.online_extra_trees.ExtraTrees._detection_mode_off",
    "river.naive_bayes.gaussian.GaussianNB._make_gaussian",
    "river.sketch.histogram.Histogram",
    "river.stats.ewmean.EWMean",
    "river.stats.ewvar.EWVar",
    "river.stats.iqr.IQR",
    "river.stats.maximum.AbsMax",
    "river.stats.maximum.Max",
    "river.stats.minimum.Min",
    "river.stats.quantile.Quantile",
    "river.stats.var.Var",
    "river.tree.splitter.ebst_splitter.EBSTNode._update_estimator_univariate",
    "river.tree.splitter.nominal_splitter_reg.NominalSplitterReg._update_estimator_univariate",
)

# Bandits make an arm's reward by the `clone` of the metric that they were given.
_CLONED = (
    "accuracy.Accuracy",
    "balanced_accuracy.BalancedAccuracy",
    "cross_entropy.CrossEntropy",
    "fbeta.F1",
    "fbeta.FBeta",
    "fbeta.MacroF1",
    "fbeta.MicroF1",
    "fbeta.WeightedF1",
    "geometric_mean.GeometricMean",
    "jaccard.Jaccard",
    "kappa.CohenKappa",
    "log_loss.LogLoss",
    "mae.MAE",
    "mape.MAPE",
    "mcc.MCC",
    "mse.MSE",
    "mse.RMSE",
    "precision.MacroPrecision",
    "precision.Precision",
    "r2.R2",
    "recall.MacroRecall",
    "recall.Recall",
    "roc_auc.ROCAUC",
    "smape.SMAPE",
)
METHODS = (
    *(f"river.metrics.{name}.clone" for name in _CLONED),
    "random.Random.gauss",
    "river.drift.page_hinkley.PageHinkley._test_both",
    "river.drift.page_hinkley.PageHinkley._test_decrease",
    "river.drift.page_hinkley.PageHinkley._test_increase",
    "river.ensemble.bagging.LeveragingBaggingClassifier._leveraging_bag",
    "river.ensemble.bagging.LeveragingBaggingClassifier._leveraging_bag_half",
    "river.ensemble.bagging.LeveragingBaggingClassifier._leveraging_bag_me",
    "river.ensemble.bagging.LeveragingBaggingClassifier._leveraging_bag_wt",
    "river.ensemble.bagging.LeveragingBaggingClassifier._leveraging_subag",
    "river.feature_extraction.kernel_approx.RBFSampler._random_weights",
    "river.linear_model.pa.PAClassifier._calc_tau_1",
    "river.linear_model.pa.PAClassifier._calc_tau_2",
    "river.linear_model.pa.PARegressor._calc_tau_1",
    "river.linear_model.pa.PARegressor._calc_tau_2",
    "river.multiclass.occ.OutputCodeClassifier._next_code",
    "river.preprocessing.random_projection.GaussianRandomProjector._rand_gauss",
    "river.preprocessing.random_projection.SparseRandomProjector._rand_weights_for_feature",
    "river.preprocessing.scale_target.TargetMinMaxScaler._scale",
    "river.preprocessing.scale_target.TargetMinMaxScaler._unscale",
    "river.preprocessing.scale_target.TargetStandardScaler._scale",
    "river.preprocessing.scale_target.TargetStandardScaler._unscale",
    "river.tree.splitter.qo_splitter.Slot._update_estimator_univariate",
)

# A partial runs its target later with arguments from the state, so each target stands with the types of its arguments.
# "object" is any River object of the list; a target in "<…>" is an object that is called itself.
PARTIALS: Mapping[str, tuple[str, ...]] = {
    "builtins.float": ("int",),
    "builtins.tuple": ("tuple",),
    "copy.deepcopy": ("object",),
    "random.Random.gauss": ("number", "number"),
    "river.sketch.histogram.Histogram": ("max_bins=int",),
    "river.stats.ewmean.EWMean": ("number",),
    "river.stats.ewvar.EWVar": ("number",),
    "river.stats.iqr.IQR": ("number", "number"),
    "river.stats.quantile.Quantile": ("number",),
    "<river.optim.initializers.Constant>": ("shape=int",),
    "<river.optim.initializers.Normal>": ("shape=int",),
    "<river.optim.initializers.Zeros>": ("shape=int",),
}
PARTIAL_NUMBER_MAX = 100_000  # of any number in a partial: a size, a number of bins, a parameter

# Left out of the bytes and made anew on reading. The plan of a pipeline is a cache of its steps: River builds it at
# the first call, so a state with it would differ before and after a mere prediction.
DERIVED: Mapping[str, Mapping[str, Any]] = {
    "river.compose.pipeline.Pipeline": {"_plan": None, "_inference_transformers": (), "_last_step_cached": None, "_last_step_params": {}},
    "river.feature_extraction.vectorize.BagOfWords": {"processing_steps": ()},
    "river.feature_extraction.vectorize.TFIDF": {"processing_steps": ()},
}
