"""Cases: linear models, optimizers and trees."""

from tests.codec.cases import Case
from tests.codec.recipes import ADAPTIVE, BARE, FACTORS, LOGISTIC, MIN_MAX, NUMBERS, SCALED, SMALL, UNIT, regression, tree, with_optimizer

LINEAR_MODELS = [
    Case("logistic-sgd", {LOGISTIC: {"optimizer": {"optim.SGD": 0.02}}}, "phishing", SCALED),
    Case("logistic-adagrad", {LOGISTIC: {"optimizer": {"optim.AdaGrad": 0.05}, "l2": 0.001}}, "phishing", MIN_MAX),
    Case("logistic-adam", {LOGISTIC: ADAPTIVE}, "bananas", SCALED),
    Case("logistic-bare", LOGISTIC, "bananas"),
    Case("logistic-focal", {LOGISTIC: {"loss": "optim.losses.BinaryFocalLoss"}}, "phishing", SCALED),
    Case("linear-squared", regression(optimizer="optim.Adam", initializer={"optim.initializers.Constant": 0.1}), "trump", SCALED),
    Case("linear-huber", regression(loss={"optim.losses.Huber": 0.5}), "trump", SCALED),
    Case("linear-absolute", regression(loss="optim.losses.Absolute"), "trump", SCALED),
    Case("linear-cauchy", regression(loss="optim.losses.Cauchy"), "trump", SCALED),
    Case("linear-hinge", regression(loss="optim.losses.EpsilonInsensitiveHinge"), "trump", SCALED),
    Case("linear-quantile", regression(loss={"optim.losses.Quantile": 0.9}), "trump", SCALED),
    Case("linear-poisson", regression(loss="optim.losses.Poisson", optimizer={"optim.SGD": 0.0001}), "trump", SCALED),
    Case("softmax", {"linear_model.SoftmaxRegression": {"optimizer": {"optim.SGD": 0.01}}}, "segments", SCALED),
    Case("perceptron", "linear_model.Perceptron", "bananas", NUMBERS),
    Case("passive-aggressive", {"linear_model.PAClassifier": {"C": 0.1, "mode": 2}}, "phishing", NUMBERS),
    Case("passive-aggressive-regressor", {"linear_model.PARegressor": {"C": 0.1}}, "trump", NUMBERS),
    Case("alma", "linear_model.ALMAClassifier", "phishing", NUMBERS),
    Case("ad-predictor", "linear_model.AdPredictor", "phishing", SCALED),
    Case("factorization", {"facto.FMClassifier": {**FACTORS, "seed": 3}}, "phishing", SCALED),
    Case("factorization-regressor", {"facto.FMRegressor": {**FACTORS, "clip_gradient": 10.0}}, "trump", SCALED),
]

OPTIMIZERS = [
    with_optimizer("sgd-scheduled", {"optim.SGD": {"lr": {"optim.schedulers.InverseScaling": 0.1}}}),
    with_optimizer("sgd-optimal", {"optim.SGD": {"lr": {"optim.schedulers.Optimal": {"loss": "optim.losses.Log", "alpha": 0.01}}}}),
    with_optimizer("adadelta", "optim.AdaDelta"),
    with_optimizer("rmsprop", {"optim.RMSProp": 0.01}),
    with_optimizer("momentum", {"optim.Momentum": 0.01}),
    with_optimizer("nesterov", {"optim.NesterovMomentum": 0.01}),
    with_optimizer("adamax", {"optim.AdaMax": 0.01}),
    with_optimizer("nadam", {"optim.Nadam": 0.01}),
    with_optimizer("amsgrad", {"optim.AMSGrad": 0.01}),
    with_optimizer("adabound", {"optim.AdaBound": 0.01}),
    with_optimizer("ftrl", "optim.FTRLProximal"),
    with_optimizer("averager", {"optim.Averager": {"optimizer": {"optim.SGD": 0.05}, "start": 50}}),
]

TREES = [
    Case("tree", tree("HoeffdingTreeClassifier"), "phishing"),
    Case("tree-bayes", tree("HoeffdingTreeClassifier", leaf_prediction="nb", splitter={"tree.splitter.GaussianSplitter": 5}), "segments"),
    Case("tree-majority", tree("HoeffdingTreeClassifier", leaf_prediction="mc", split_criterion="gini"), "phishing", BARE),
    Case("tree-histogram", tree("HoeffdingTreeClassifier", splitter={"tree.splitter.HistogramSplitter": {"n_bins": 16}}), "bananas"),
    Case(
        "tree-exhaustive",
        tree("HoeffdingTreeClassifier", splitter="tree.splitter.ExhaustiveSplitter", leaf_prediction="mc"),
        "bananas",
    ),
    Case("tree-adaptive", tree("HoeffdingAdaptiveTreeClassifier"), "phishing"),
    Case("tree-adaptive-many", tree("HoeffdingAdaptiveTreeClassifier", drift_window_threshold=50), "segments"),
    Case("tree-adaptive-gini", tree("HoeffdingAdaptiveTreeClassifier", split_criterion="gini", delta=0.5), "phishing", BARE),
    Case("tree-fast", tree("ExtremelyFastDecisionTreeClassifier", min_samples_reevaluate=20), "phishing"),
    Case("tree-last", {"tree.LASTClassifier": {"max_depth": 6}}, "phishing"),
    Case("tree-regressor", tree("HoeffdingTreeRegressor"), "trump", SCALED),
    Case("tree-regressor-mean", tree("HoeffdingTreeRegressor", leaf_prediction="mean", splitter="tree.splitter.EBSTSplitter"), "trump"),
    Case("tree-regressor-model", tree("HoeffdingTreeRegressor", leaf_prediction="model"), "trump", SCALED),
    Case("tree-regressor-quantized", tree("HoeffdingTreeRegressor", splitter={"tree.splitter.QOSplitter": 0.1}), "trump", SCALED),
    Case("tree-regressor-adaptive", tree("HoeffdingAdaptiveTreeRegressor", drift_window_threshold=50), "trump", SCALED),
    Case(
        "tree-gradient",
        {
            "tree.SGTClassifier": {
                "grace_period": 20,
                "delta": 0.1,
                "feature_quantizer": {"tree.splitter.StaticQuantizer": {"n_bins": 16, "warm_start": 20}},
            }
        },
        "bananas",
    ),
    Case(
        "tree-gradient-regressor",
        {"tree.SGTRegressor": {"grace_period": 20, "delta": 0.1, "feature_quantizer": {"tree.splitter.DynamicQuantizer": 0.2}}},
        "trump",
        NUMBERS,
    ),
    Case("forest", {"forest.ARFClassifier": {**SMALL, "n_models": 3}}, "bananas"),
    Case("forest-text", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "split_criterion": "gini"}}, "phishing"),
    Case("forest-majority", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "leaf_prediction": "mc"}}, "bananas"),
    Case("forest-bayes", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "leaf_prediction": "nb"}}, "bananas"),
    Case("forest-regressor", {"forest.ARFRegressor": {**SMALL, "n_models": 3, "warning_detector": "drift.NoDrift"}}, "trump", NUMBERS),
    Case("forest-extra", {"forest.OXTRegressor": {**SMALL, "n_models": 3}}, "trump", NUMBERS),
    Case("mondrian", {"forest.AMFClassifier": {"n_estimators": 2, "max_nodes": 100}}, "bananas", UNIT),
    Case("mondrian-regressor", {"forest.AMFRegressor": {"n_estimators": 2, "max_nodes": 100}}, "trump", UNIT),
]
