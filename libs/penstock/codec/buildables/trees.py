"""Trees and forests, always with a depth and never with a limit by measured memory."""

from penstock.codec.arguments import (
    EVENTS,
    FLAG,
    MAX_DEPTH,
    MEMORY,
    MODELS,
    NEVER,
    POSITIVE,
    SEED,
    SHARE,
    Argument,
    Buildable,
    number,
    recipe,
    refused,
    whole,
    words,
)

# River measures the memory of a tree every `memory_estimate_period` events and closes leaves by it. That size hangs
# on Python's allocator and history, so a decoded copy would learn something else: it is set to never.
_SHAPE = {
    "max_depth": whole(1, 64),
    "nominal_attributes": Argument(names=True, null=True),
    "binary_split": refused("it breaks ties between text values by the order of a set, which hangs on the hash seed"),
    "max_size": MEMORY,
    "memory_estimate_period": MEMORY,
    "stop_mem_management": MEMORY,
    "remove_poor_attrs": refused("River does it only with its memory limit, which is not deterministic"),
    "merit_preprune": FLAG,
}
_TREE = {**_SHAPE, "grace_period": EVENTS, "delta": SHARE, "tau": SHARE}
_CLASSIFICATION = {
    "split_criterion": words("info_gain", "gini", "hellinger"),
    "leaf_prediction": words("mc", "nb", "nba"),
    "nb_threshold": whole(0, 1_000_000),
    "splitter": recipe("classification splitter"),
    "min_branch_fraction": SHARE,
    "max_share_to_split": SHARE,
}
_REGRESSION = {
    "leaf_prediction": words("mean", "model", "adaptive"),
    "leaf_model": refused("the leaves use a linear regression, as River sets it"),
    "model_selector_decay": SHARE,
    "min_samples_split": EVENTS,
}
_ADAPTIVE = {
    "bootstrap_sampling": FLAG,
    "drift_window_threshold": EVENTS,
    "drift_detector": recipe("detector"),
    "switch_significance": SHARE,
    "seed": SEED,
}
_FOREST = {
    "n_models": MODELS,
    "max_features": Argument(words=("sqrt", "log2"), whole=(1, 10_000)),
    "disable_weighted_vote": FLAG,
    "drift_detector": recipe("detector"),
    "warning_detector": recipe("detector"),
    "seed": SEED,
}
_GRADIENT = {
    "delta": SHARE,
    "grace_period": EVENTS,
    "init_pred": number(),
    "max_depth": whole(1, 64),
    "lambda_value": POSITIVE,
    "gamma": POSITIVE,
    "nominal_attributes": Argument(names=True, null=True),
    "feature_quantizer": recipe("quantizer"),
}
_MONDRIAN = {
    "n_estimators": MODELS,
    "step": POSITIVE,
    "use_aggregation": FLAG,
    "max_nodes": whole(1, 10_000),  # of each tree: without it the state grows with every event
    "seed": SEED,
}
_NODES_MAX = 1_000
_SPLITTER = recipe("regression splitter")
_ALWAYS = {"max_depth": MAX_DEPTH, "memory_estimate_period": NEVER}
_WEIGHED = refused("the trees are weighted as River sets it")

TREES = {
    "tree.HoeffdingTreeClassifier": Buildable("classifier", {**_TREE, **_CLASSIFICATION}, always=_ALWAYS),
    "tree.HoeffdingAdaptiveTreeClassifier": Buildable("classifier", {**_TREE, **_CLASSIFICATION, **_ADAPTIVE}, always=_ALWAYS),
    "tree.ExtremelyFastDecisionTreeClassifier": Buildable(
        "classifier", {**_TREE, **_CLASSIFICATION, "min_samples_reevaluate": EVENTS}, always=_ALWAYS
    ),
    "tree.LASTClassifier": Buildable(
        "classifier",
        {
            **_SHAPE,
            **_CLASSIFICATION,
            "leaf_prediction": words("mc", "nba"),  # River 0.26.1 fails in "nb"
            "change_detector": recipe("detector"),
            "track_error": FLAG,
        },
        always=_ALWAYS,
    ),
    "tree.SGTClassifier": Buildable("classifier", _GRADIENT, always={"max_depth": MAX_DEPTH}),
    "tree.SGTRegressor": Buildable("regressor", _GRADIENT, always={"max_depth": MAX_DEPTH}),
    "tree.HoeffdingTreeRegressor": Buildable("regressor", {**_TREE, **_REGRESSION, "splitter": _SPLITTER}, always=_ALWAYS),
    "tree.HoeffdingAdaptiveTreeRegressor": Buildable(
        "regressor", {**_TREE, **_REGRESSION, **_ADAPTIVE, "splitter": _SPLITTER}, always=_ALWAYS
    ),
    "forest.ARFClassifier": Buildable(
        "classifier", {**_TREE, **_CLASSIFICATION, **_FOREST, "lambda_value": whole(1, 100), "metric": _WEIGHED}, always=_ALWAYS
    ),
    "forest.ARFRegressor": Buildable(
        "regressor",
        {
            **_TREE,
            **_REGRESSION,
            **_FOREST,
            "splitter": _SPLITTER,
            "lambda_value": whole(1, 100),
            "metric": _WEIGHED,
            "aggregation_method": words("mean", "median"),
        },
        always=_ALWAYS,
    ),
    "forest.OXTRegressor": Buildable(
        "regressor",
        {
            **_TREE,
            **_REGRESSION,
            **_FOREST,
            "resampling_strategy": words("bagging", "subbagging"),
            "resampling_rate": Argument(number=(0.0, 1.0), whole=(1, 100)),
            "detection_mode": words("all", "drop", "off"),
            "randomize_tree_depth": FLAG,
            "track_metric": _WEIGHED,
            "split_buffer_size": EVENTS,
        },
        always=_ALWAYS,
    ),
    "forest.AMFClassifier": Buildable(
        "classifier", {**_MONDRIAN, "dirichlet": POSITIVE, "split_pure": FLAG}, always={"max_nodes": _NODES_MAX}
    ),
    "forest.AMFRegressor": Buildable("regressor", _MONDRIAN, always={"max_nodes": _NODES_MAX}),
    "tree.splitter.GaussianSplitter": Buildable("classification splitter", {"n_splits": whole(2, 1_000)}, "n_splits"),
    "tree.splitter.HistogramSplitter": Buildable("classification splitter", {"n_bins": whole(2, 1_000), "n_splits": whole(2, 1_000)}),
    "tree.splitter.ExhaustiveSplitter": Buildable("classification splitter"),
    "tree.splitter.EBSTSplitter": Buildable("regression splitter"),
    "tree.splitter.TEBSTSplitter": Buildable("regression splitter", {"digits": whole(0, 15)}, "digits"),
    "tree.splitter.QOSplitter": Buildable("regression splitter", {"radius": number(1e-6, 1e6), "allow_multiway_splits": FLAG}, "radius"),
    "tree.splitter.DynamicQuantizer": Buildable("quantizer", {"radius": number(1e-6, 1e6), "std_prop": SHARE}, "radius"),
    "tree.splitter.StaticQuantizer": Buildable(
        "quantizer", {"n_bins": whole(2, 1_000), "warm_start": EVENTS, "buckets": refused("the bins are learned")}, "n_bins"
    ),
}
