"""The specification that the simulation runs: orders are asked whether they will be paid badly, payments answer later."""

from dataclasses import replace
from random import Random

from penstock.spec import Model, Spec, load

MODEL, QUESTIONS, ANSWERS = "unpaid", "orders", "payments"
SHOPS = ("amber", "beryl", "coral", "dunes", "ember")
HOUR_MS = 3_600_000
AMOUNT_MAX = 1_000.0
BAD_BELOW = 50.0

TEXT = """
streams:
  orders:
    key: shop
    id: order_id
    time: at
    max_jump: 12h
    dedup_window: WINDOW
    partitions: PARTITIONS
    fields:
      order_id: string
      shop: {type: string, enum: [amber, beryl, coral, dunes, ember]}
      amount: {type: double, range: [0, 1000]}
      channel: {type: string, nullable: true}
      at: timestamp
  payments:
    key: shop
    id: payment_id
    time: at
    max_jump: 12h
    dedup_window: WINDOW
    partitions: PARTITIONS
    fields: {payment_id: string, order_id: string, shop: string, paid: {type: double, range: [0, 1000]}, at: timestamp}
views:
  order:
    from: orders
    select: [amount, channel]
    compute:
      hour: {calendar: hour, of: at, zone: Europe/Berlin}
      orders_1h: {count: "orders.amount > 100", window: 1h}
      paid_1h: {mean: payments.paid, window: 1h, default: 0}
      last_paid: {last: payments.paid, max_age: 2h, default: 0}
models:
  unpaid:
    task: binary_classification
    view: order
    label: {from: payments, id: order_id, positive: "paid < 50", horizon: HORIZON}
    preprocess:
      - {select: numbers, then: preprocessing.StandardScaler}
      - {select: strings, then: preprocessing.OneHotEncoder}
    learners:
      sgd: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.05}}}
      adagrad: {linear_model.LogisticRegression: {optimizer: {optim.AdaGrad: 0.2}}}
    champion: sgd
    challengers: [CHALLENGERS]
    metrics: [METRICS]
    promotion: {mode: automatic, metric: log_loss, after_labels: 10, margin: 0.001}
    drift:
      detectors: [{signal: loss, use: {drift.ADWIN: {delta: 0.3, clock: 8, grace_period: 5}}, after_labels: 10}]
      reactions: [{when: {kind: concept}, spawn: adagrad, cooldown_labels: 20, budget: 1}]
    checkpoint_every_labels: CHECKPOINTS
"""


def draw_spec(random: Random, *, patient: bool) -> Spec:
    """A specification of this seed. `patient`: its horizon is longer than the run, so that only the last tick ends what is open."""
    changes = {
        "PARTITIONS": random.choice(["1", "2", "2"]),
        "HORIZON": "10d" if patient else random.choice(["40m", "2h"]),
        "WINDOW": random.choice(["1h", "10d"]),
        "CHALLENGERS": random.choice(["", "adagrad"]),
        "METRICS": random.choice(["log_loss", "log_loss, accuracy", "log_loss, rocauc, accuracy"]),
        "CHECKPOINTS": random.choice(["4", "10", "25"]),
    }
    text = TEXT
    for name, value in changes.items():
        text = text.replace(name, value)
    return load(text)


def with_corrections(spec: Spec) -> Spec:
    """The same specification, but labels are corrected: after ten minutes of event time, of questions that are not too far back."""
    model = spec.models[MODEL]
    rule = replace(model.label, on_correction="relearn", correction_depth=150, correction_wait_ms=600_000)
    return with_model(spec, replace(model, label=rule))


def changed(model: Model) -> Model:
    """The same model as it is applied once more while everything runs: another margin, and a challenger."""
    return replace(model, promotion=replace(model.promotion, margin=0.002), challengers=("adagrad",))


def body_of(spec: Spec, kind: str, name: str) -> str:
    """The canonical JSON of one part."""
    return next(body for kinds, names, body in spec.parts() if (kinds, names) == (kind, name))


def with_model(spec: Spec, model: Model) -> Spec:
    """The specification with one model replaced."""
    return replace(spec, models={**spec.models, model.name: model})
