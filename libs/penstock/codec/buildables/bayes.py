"""Naive Bayes, neighbours and baselines."""

from penstock.codec.arguments import FLAG, NO_FUNCTION, POSITIVE, Buildable, number, recipe, whole, words

_ENGINE = ("engine",)  # River's own would be a graph that changes when it is asked
_NEIGHBORS = {"n_neighbors": whole(1, 1_000), "engine": recipe("search engine")}

BAYES = {
    "naive_bayes.GaussianNB": Buildable("classifier"),
    "naive_bayes.MultinomialNB": Buildable("classifier", {"alpha": POSITIVE}, "alpha"),
    "naive_bayes.ComplementNB": Buildable("classifier", {"alpha": POSITIVE}, "alpha"),
    "naive_bayes.BernoulliNB": Buildable("classifier", {"alpha": POSITIVE, "true_threshold": number()}, "alpha"),
    "neighbors.KNNClassifier": Buildable(
        "classifier", {**_NEIGHBORS, "weighted": FLAG, "cleanup_every": whole(0, 1_000_000), "softmax": FLAG}, required=_ENGINE
    ),
    "neighbors.KNNRegressor": Buildable(
        "regressor", {**_NEIGHBORS, "aggregation_method": words("mean", "median", "weighted_mean")}, required=_ENGINE
    ),
    "neighbors.LazySearch": Buildable(
        "search engine",
        {"window_size": whole(1, 100_000), "min_distance_keep": POSITIVE, "dist_func": NO_FUNCTION},
        "window_size",
    ),
    "dummy.PriorClassifier": Buildable("classifier"),
    "dummy.NoChangeClassifier": Buildable("classifier"),
    "dummy.StatisticRegressor": Buildable("regressor", {"statistic": recipe("any statistic")}, "statistic", required=("statistic",)),
}
