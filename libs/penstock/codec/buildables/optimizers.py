"""Optimizers, schedulers, initializers and losses."""

from penstock.codec.arguments import FLAG, POSITIVE, RATE, SEED, SHARE, Buildable, number, recipe, refused, whole

_MOMENTS = {"lr": RATE, "beta_1": SHARE, "beta_2": SHARE, "eps": SHARE}
_MOMENTUM = {"lr": RATE, "rho": SHARE}

OPTIMIZERS = {
    "optim.SGD": Buildable("optimizer", {"lr": RATE}, "lr"),
    "optim.AdaGrad": Buildable("optimizer", {"lr": RATE, "eps": SHARE}, "lr"),
    "optim.AdaDelta": Buildable("optimizer", {"rho": SHARE, "eps": SHARE}, "rho"),
    "optim.RMSProp": Buildable("optimizer", {**_MOMENTUM, "eps": SHARE}, "lr"),
    "optim.Momentum": Buildable("optimizer", _MOMENTUM, "lr"),
    "optim.NesterovMomentum": Buildable("optimizer", _MOMENTUM, "lr"),
    "optim.Adam": Buildable("optimizer", _MOMENTS, "lr"),
    "optim.AdaMax": Buildable("optimizer", _MOMENTS, "lr"),
    "optim.Nadam": Buildable("optimizer", _MOMENTS, "lr"),
    "optim.AMSGrad": Buildable("optimizer", {**_MOMENTS, "correct_bias": FLAG}, "lr"),
    "optim.AdaBound": Buildable("optimizer", {**_MOMENTS, "gamma": SHARE, "final_lr": POSITIVE}, "lr"),
    "optim.FTRLProximal": Buildable("optimizer", {"alpha": POSITIVE, "beta": POSITIVE, "l1": POSITIVE, "l2": POSITIVE}, "alpha"),
    "optim.Averager": Buildable(
        "optimizer", {"optimizer": recipe("optimizer"), "start": whole(0, 10**9)}, "optimizer", required=("optimizer",)
    ),
    "optim.schedulers.Constant": Buildable("scheduler", {"learning_rate": POSITIVE}, "learning_rate", required=("learning_rate",)),
    "optim.schedulers.InverseScaling": Buildable(
        "scheduler", {"learning_rate": POSITIVE, "power": number(0.0, 10.0)}, "learning_rate", required=("learning_rate",)
    ),
    "optim.schedulers.Optimal": Buildable(
        "scheduler", {"loss": recipe("any loss"), "alpha": number(1e-9, 1e6)}, "loss", required=("loss",)
    ),
    "optim.initializers.Zeros": Buildable("initializer"),
    "optim.initializers.Constant": Buildable("initializer", {"value": number()}, "value", required=("value",)),
    "optim.initializers.Normal": Buildable("initializer", {"mu": number(), "sigma": POSITIVE, "seed": SEED}, "mu"),
    "optim.losses.Log": Buildable("binary loss", {"weight_pos": POSITIVE, "weight_neg": POSITIVE}),
    "optim.losses.Hinge": Buildable("binary loss", {"threshold": POSITIVE}, "threshold"),
    "optim.losses.BinaryFocalLoss": Buildable("binary loss", {"gamma": POSITIVE, "beta": POSITIVE}, "gamma"),
    "optim.losses.Squared": Buildable("regression loss"),
    "optim.losses.Absolute": Buildable("regression loss"),
    "optim.losses.Cauchy": Buildable("regression loss", {"C": POSITIVE}, "C"),
    "optim.losses.EpsilonInsensitiveHinge": Buildable("regression loss", {"eps": POSITIVE}, "eps"),
    "optim.losses.Huber": Buildable("regression loss", {"epsilon": POSITIVE}, "epsilon"),
    "optim.losses.Quantile": Buildable("regression loss", {"alpha": SHARE}, "alpha"),
    "optim.losses.Poisson": Buildable("regression loss"),
    "optim.losses.CrossEntropy": Buildable("class loss", {"class_weight": refused("every class weighs the same; leave it out")}),
}
