"""Models made of models: ensembles, selection by bandits, and wrappers."""

from penstock.codec.arguments import (
    EVENTS,
    FLAG,
    MODELS,
    NOT_THIS,
    POSITIVE,
    SEED,
    SHARE,
    Argument,
    Buildable,
    number,
    recipe,
    recipes,
    refused,
    whole,
    words,
)


def _bag(kind: str) -> dict[str, Argument]:
    return {"model": recipe(kind), "n_models": MODELS, "seed": SEED}


def _patches(kind: str) -> dict[str, Argument]:
    return {
        **_bag(kind),
        "subspace_size": Argument(words=("sqrt", "rmsqrt"), number=(0.0, 1.0), whole=(1, 10_000)),
        "training_method": words("subspaces", "resampling", "patches"),
        "lam": whole(1, 100),
        "drift_detector": recipe("detector"),
        "warning_detector": recipe("detector"),
        "disable_detector": words("off", "drift", "warning"),
        "disable_weighted_vote": FLAG,
        "metric": refused("the models are weighted as River sets it"),
    }


_ONE = ("model",)
_CLASSIFIERS, _REGRESSORS = recipes("classifier"), recipes("regressor")
_HALVING = {"budget": EVENTS, "eta": whole(2, 10), "verbose": refused("nothing is printed by a learner"), "metric": recipe("metric")}
_POLICY = {"burn_in": whole(0, 1_000_000), "reward_obj": NOT_THIS, "seed": SEED}
_HALVED = ("models", "metric", "budget")
_CHOSEN = ("models", "metric", "policy")

ENSEMBLES = {
    "ensemble.BaggingClassifier": Buildable("classifier", _bag("classifier"), "model", required=_ONE),
    "ensemble.BaggingRegressor": Buildable("regressor", _bag("regressor"), "model", required=_ONE),
    "ensemble.ADWINBaggingClassifier": Buildable("classifier", _bag("classifier"), "model", required=_ONE),
    "ensemble.ADWINBoostingClassifier": Buildable("classifier", _bag("classifier"), "model", required=_ONE),
    "ensemble.AdaBoostClassifier": Buildable("classifier", _bag("classifier"), "model", required=_ONE),
    "ensemble.BOLEClassifier": Buildable("classifier", {**_bag("classifier"), "error_bound": SHARE}, "model", required=_ONE),
    "ensemble.LeveragingBaggingClassifier": Buildable(
        "classifier",
        {
            **_bag("classifier"),
            "w": number(0.0, 100.0),
            "adwin_delta": SHARE,
            "bagging_method": words("bag", "wt", "subag"),  # River 0.26.1 fails in the other two
        },
        "model",
        required=_ONE,
    ),
    "ensemble.SRPClassifier": Buildable("classifier", _patches("classifier"), "model", required=_ONE),
    "ensemble.SRPRegressor": Buildable(
        "regressor",
        {
            **_patches("regressor"),
            "drift_detection_criteria": words("error", "prediction"),
            "aggregation_method": words("mean", "median"),
        },
        "model",
        required=_ONE,
    ),
    "ensemble.VotingClassifier": Buildable("classifier", {"models": _CLASSIFIERS, "use_probabilities": FLAG}, required=("models",)),
    "ensemble.StackingClassifier": Buildable(
        "classifier",
        {"models": _CLASSIFIERS, "meta_classifier": recipe("classifier"), "include_features": FLAG},
        required=("models", "meta_classifier"),
    ),
    "ensemble.EWARegressor": Buildable(
        "regressor", {"models": _REGRESSORS, "loss": recipe("regression loss"), "learning_rate": POSITIVE}, required=("models",)
    ),
    "model_selection.GreedyRegressor": Buildable(
        "regressor", {"models": _REGRESSORS, "metric": recipe("regression metric")}, required=("models",)
    ),
    "model_selection.BanditClassifier": Buildable(
        "classifier", {"models": _CLASSIFIERS, "metric": recipe("classification metric"), "policy": recipe("policy")}, required=_CHOSEN
    ),
    "model_selection.BanditRegressor": Buildable(
        "regressor", {"models": _REGRESSORS, "metric": recipe("regression metric"), "policy": recipe("policy")}, required=_CHOSEN
    ),
    "model_selection.SuccessiveHalvingClassifier": Buildable("classifier", {**_HALVING, "models": _CLASSIFIERS}, required=_HALVED),
    "model_selection.SuccessiveHalvingRegressor": Buildable("regressor", {**_HALVING, "models": _REGRESSORS}, required=_HALVED),
    "bandit.EpsilonGreedy": Buildable("policy", {**_POLICY, "epsilon": SHARE, "decay": SHARE}, "epsilon", required=("epsilon",)),
    "bandit.UCB": Buildable("policy", {**_POLICY, "delta": POSITIVE, "reward_scaler": NOT_THIS}, "delta", required=("delta",)),
    "bandit.Exp3": Buildable("policy", {**_POLICY, "gamma": SHARE, "reward_scaler": NOT_THIS}, "gamma", required=("gamma",)),
    "drift.DriftRetrainingClassifier": Buildable(
        "classifier",
        {"model": recipe("classifier"), "drift_detector": recipe("warning detector"), "train_in_background": FLAG},
        "model",
        required=_ONE,
    ),
    "imblearn.ChebyshevOverSampler": Buildable("regressor", {"regressor": recipe("regressor")}, "regressor", required=("regressor",)),
    "imblearn.ChebyshevUnderSampler": Buildable(
        "regressor", {"regressor": recipe("regressor"), "sp": SHARE, "seed": SEED}, "regressor", required=("regressor",)
    ),
    "preprocessing.TargetStandardScaler": Buildable("regressor", {"regressor": recipe("regressor")}, "regressor", required=("regressor",)),
    "preprocessing.TargetMinMaxScaler": Buildable("regressor", {"regressor": recipe("regressor")}, "regressor", required=("regressor",)),
    "preprocessing.PredClipper": Buildable(
        "regressor", {"regressor": recipe("regressor"), "y_min": number(), "y_max": number()}, required=("regressor", "y_min", "y_max")
    ),
}
