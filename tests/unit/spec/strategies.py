"""Hypothesis strategies for specifications."""

from typing import Any

from hypothesis import strategies as st

from penstock.records.generated import SCHEMAS
from penstock.spec.expression import WORDS
from penstock.spec.stream import record_name

MS = st.sampled_from(["200ms", "30s", "90s", "15m", "3h", "48h", "7d"])
names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True).filter(lambda name: record_name(name) not in SCHEMAS)
field_names = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True).filter(
    lambda name: name not in (*WORDS, "event_id", "event_time_ms", "k", "t")
)
numbers = st.integers(-1000, 1000) | st.floats(-1e9, 1e9)


@st.composite
def fields(draw: st.DrawFn) -> Any:
    """One field, written short or long."""
    type = draw(st.sampled_from(["string", "double", "long", "boolean", "timestamp"]))
    long: dict[str, Any] = {"type": type, "nullable": draw(st.booleans())}
    if type == "string" and draw(st.booleans()):
        long["enum"] = draw(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), min_size=1, max_size=4, unique=True))
    if type in ("double", "long") and draw(st.booleans()):
        long["range"] = sorted(draw(st.tuples(numbers, numbers)))
        long["on"] = {"out_of_range": draw(st.sampled_from(["reject", "clip", "warn"]))}
    if type == "string" and "enum" not in long and draw(st.booleans()):
        long |= {"length": [0, draw(st.integers(1, 9))], "pattern": "[a-z]*", "unique": draw(MS), "personal": draw(st.booleans())}
    return type if draw(st.booleans()) else long


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A valid specification as plain JSON: streams with one key, a view over them, a model."""
    streams: dict[str, Any] = {}
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        own = draw(st.dictionaries(field_names, fields(), max_size=4))
        streams[name] = {
            "key": "k",
            "id": "k",
            "time": "t",
            "max_jump": draw(MS),
            "fields": {"k": "string", "t": "timestamp", "v": "double", **own},
        }
        streams[name]["fields"]["v"] = "double"
    source, other = draw(st.sampled_from(sorted(streams))), draw(st.sampled_from(sorted(streams)))
    compute = {
        "c0": {"calendar": draw(st.sampled_from(["hour", "weekday", "minute"])), "of": "t", "zone": "America/New_York"},
        "c1": {"last": f"{other}.v", "max_age": draw(MS), "default": draw(numbers)},
        "c2": {draw(st.sampled_from(["mean", "sum", "min", "max"])): f"{other}.v * 2", "window": draw(MS)},
        "c3": {"count": other, "by": "k", "window": draw(MS), "default": 0},
    }
    view = {"from": source, "select": ["v"], "compute": {name: compute[name] for name in draw(st.sets(st.sampled_from(sorted(compute))))}}
    model = {
        "task": "binary_classification",
        "view": "view",
        "label": {"from": other, "id": "k", "positive": f"v > {draw(st.integers(0, 99))}", "horizon": draw(MS)},
        "learners": {"one": {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": draw(st.floats(0.001, 1))}}}},
        "champion": "one",
        "promotion": {"margin": draw(st.floats(0, 1))},
    }
    return {"streams": streams, "views": {"view": view}, "models": {"model": model} if draw(st.booleans()) else {}}
