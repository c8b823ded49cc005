"""Linear models and factorization machines."""

from penstock.codec.arguments import FLAG, MODELS, POSITIVE, RATE, SEED, Argument, Buildable, number, recipe, refused, whole

_NO_L1 = refused("the L1 penalty keeps an initializer inside a native vector, which has no state; use l2")
_CLIP = number(0.0, 1e15)
_LINEAR = {
    "optimizer": recipe("optimizer"),
    "l2": POSITIVE,
    "l1": _NO_L1,
    "intercept_init": number(),
    "intercept_lr": RATE,
    "clip_gradient": _CLIP,
    "initializer": recipe("initializer"),
}
_PASSIVE = {"C": POSITIVE, "mode": whole(0, 2), "learn_intercept": FLAG}
_FACTORS: dict[str, Argument] = {
    "n_factors": whole(1, 100),
    "weight_optimizer": recipe("optimizer"),
    "latent_optimizer": recipe("optimizer"),
    "sample_normalization": FLAG,
    "l1_weight": POSITIVE,
    "l2_weight": POSITIVE,
    "l1_latent": POSITIVE,
    "l2_latent": POSITIVE,
    "intercept": number(),
    "intercept_lr": RATE,
    "weight_initializer": recipe("initializer"),
    "latent_initializer": recipe("initializer"),
    "clip_gradient": _CLIP,
    "seed": SEED,
}

LINEAR = {
    "linear_model.LogisticRegression": Buildable("classifier", {**_LINEAR, "loss": recipe("binary loss")}, "optimizer"),
    "linear_model.LinearRegression": Buildable("regressor", {**_LINEAR, "loss": recipe("regression loss")}, "optimizer"),
    "linear_model.SoftmaxRegression": Buildable(
        "classifier", {"optimizer": recipe("optimizer"), "loss": recipe("class loss"), "l2": POSITIVE}, "optimizer"
    ),
    "linear_model.Perceptron": Buildable("classifier", {"l2": POSITIVE, "clip_gradient": _CLIP, "initializer": recipe("initializer")}),
    "linear_model.PAClassifier": Buildable("classifier", _PASSIVE, "C"),
    "linear_model.PARegressor": Buildable("regressor", {**_PASSIVE, "eps": POSITIVE}, "C"),
    "linear_model.ALMAClassifier": Buildable("classifier", {"p": whole(1, 10), "alpha": number(0.0, 1.0), "B": POSITIVE, "C": POSITIVE}),
    "linear_model.AdPredictor": Buildable(
        "classifier", {"beta": POSITIVE, "prior_probability": number(0.001, 0.999), "epsilon": number(0.0, 1.0)}
    ),
    "facto.FMClassifier": Buildable("classifier", {**_FACTORS, "loss": recipe("binary loss")}, "n_factors"),
    "facto.FMRegressor": Buildable("regressor", {**_FACTORS, "loss": recipe("regression loss")}, "n_factors"),
    "anomaly.OneClassSVM": Buildable(
        "anomaly detector",
        {
            "nu": number(0.0, 1.0),
            "optimizer": recipe("optimizer"),
            "intercept_lr": RATE,
            "clip_gradient": _CLIP,
            "initializer": recipe("initializer"),
        },
        "nu",
    ),
    "multiclass.OneVsOneClassifier": Buildable("classifier", {"classifier": recipe("classifier")}, "classifier", required=("classifier",)),
    "multiclass.OneVsRestClassifier": Buildable("classifier", {"classifier": recipe("classifier")}, "classifier", required=("classifier",)),
    "multiclass.OutputCodeClassifier": Buildable(
        "classifier",
        {"classifier": recipe("classifier"), "code_size": MODELS, "coding_method": Argument(words=("random", "exact")), "seed": SEED},
        required=("classifier", "code_size"),
    ),
}
