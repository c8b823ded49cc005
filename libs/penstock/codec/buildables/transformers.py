"""Transformers: scaling, encoding, feature extraction and selection."""

from penstock.codec.arguments import (
    EVENTS,
    FLAG,
    NO_FUNCTION,
    NO_WINDOW,
    NOT_THIS,
    POSITIVE,
    SEED,
    SHARE,
    Argument,
    Buildable,
    number,
    recipe,
    refused,
    whole,
)

_SETS = Argument(null=True, refused="fixed categories are held in sets, whose order hangs on the hash seed; leave it out")
_BY = Argument(names=True, name=True, null=True)
_HOW = recipe("statistic")
_WORDS = {
    "on": Argument(name=True),
    "strip_accents": FLAG,
    "lowercase": FLAG,
    "preprocessor": NO_FUNCTION,
    "stop_words": refused("stop words are held in a set, whose order hangs on the hash seed; leave it out"),
    "tokenizer_pattern": NOT_THIS,
    "tokenizer": NO_FUNCTION,
    "ngram_range": NOT_THIS,
}

TRANSFORMERS = {
    "preprocessing.StandardScaler": Buildable("transformer", {"with_std": FLAG, "window_size": NO_WINDOW}),
    "preprocessing.AdaptiveStandardScaler": Buildable("transformer", {"fading_factor": SHARE}, "fading_factor"),
    "preprocessing.MinMaxScaler": Buildable("transformer", {"window_size": NO_WINDOW}),
    "preprocessing.MaxAbsScaler": Buildable("transformer", {"window_size": NO_WINDOW}),
    "preprocessing.RobustScaler": Buildable("transformer", {"with_centering": FLAG, "with_scaling": FLAG, "q_inf": SHARE, "q_sup": SHARE}),
    "preprocessing.Normalizer": Buildable("transformer", {"order": whole(1, 10)}, "order"),
    "preprocessing.Binarizer": Buildable("transformer", {"threshold": number(), "dtype": NOT_THIS}, "threshold"),
    "preprocessing.OneHotEncoder": Buildable("transformer", {"drop_zeros": FLAG, "drop_first": FLAG, "categories": _SETS}),
    "preprocessing.OrdinalEncoder": Buildable(
        "transformer",
        {"categories": _SETS, "unknown_value": Argument(whole=(-1, 1_000_000), null=True), "none_value": whole(-1, 1_000_000)},
    ),
    "preprocessing.FeatureHasher": Buildable(
        "transformer", {"n_features": whole(1, 2**22), "seed": SEED, "alternate_sign": FLAG}, "n_features"
    ),
    "preprocessing.GaussianRandomProjector": Buildable("transformer", {"n_components": whole(1, 1_000), "seed": SEED}, "n_components"),
    "preprocessing.SparseRandomProjector": Buildable(
        "transformer", {"n_components": whole(1, 1_000), "density": number(0.001, 1.0), "seed": SEED}, "n_components"
    ),
    "feature_extraction.RBFSampler": Buildable(
        "transformer", {"gamma": POSITIVE, "n_components": whole(1, 1_000), "seed": SEED}, "n_components"
    ),
    "feature_extraction.PolynomialExtender": Buildable(
        "transformer",
        {"degree": whole(1, 4), "interaction_only": FLAG, "include_bias": FLAG, "bias_name": Argument(name=True)},
        "degree",
    ),
    "feature_extraction.BagOfWords": Buildable("transformer", _WORDS, "on", required=("on",)),
    "feature_extraction.TFIDF": Buildable("transformer", {**_WORDS, "normalize": FLAG}, "on", required=("on",)),
    "feature_extraction.Agg": Buildable("transformer", {"on": Argument(name=True), "by": _BY, "how": _HOW}, required=("on", "by", "how")),
    "feature_extraction.TargetAgg": Buildable(
        "transformer", {"by": _BY, "how": _HOW, "target_name": Argument(name=True)}, required=("by", "how")
    ),
    "feature_selection.SelectKBest": Buildable(
        "transformer", {"similarity": recipe("similarity"), "k": whole(1, 10_000), "use_abs": FLAG}, required=("similarity",)
    ),
    "feature_selection.VarianceThreshold": Buildable("transformer", {"threshold": POSITIVE, "min_samples": EVENTS}, "threshold"),
    "feature_selection.PoissonInclusion": Buildable("transformer", {"p": SHARE, "seed": SEED}, "p", required=("p",)),
}
