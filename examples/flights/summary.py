"""What the demo found, as one JSON document: every figure is read from the platform."""

from typing import Any

from examples.flights.watch import Watch
from penstock.replay import Replay

COUNTS = ("predictions", "labelled", "expired", "quarantined", "pending", "drift_events", "reactions")


def summarise(watch: Watch, replay: Replay, seconds: float) -> dict[str, Any]:
    """The counts, the quality and the chain of causes; the proof and the latencies are added by the caller."""
    learning = watch.learning
    served = watch.quality["served"]
    history = learning["history"]
    serves = [event for event in history if event["kind"] == "serve"]
    validated = watch.total("ingestion/", "validated")
    return {
        "sent": sum(replay.sent.values()),
        "validated": validated,
        "rejected": watch.total("ingestion/", "rejected"),
        "duplicates": watch.total("ingestion/", "duplicates"),
        "early": watch.count("labels.early"),
        **{name: watch.count(name) for name in COUNTS},
        "promotions": len(serves) - 1,
        "champion": learning["champion"],
        "chains": chains(history),
        "served": {name: served[name] for name in ("log_loss", "rocauc", "accuracy")},
        "versions": {str(each["version"]): _version(each) for each in learning["versions"]},
        "base_rate": watch.quality["base_rate"],
        "prior": {name: watch.quality["prior"][name] for name in ("log_loss", "accuracy")},
        "label_delay_ms": watch.quality["label_delay_ms"],
        "throughput_events_per_s": round(validated / seconds, 1),
        "replay_seconds": round(seconds, 1),
    }


def chains(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every drift that led to a version that was proposed and came to serve: each step with its position and its cause."""
    drifts = {event["cause"]: event for event in history if event["kind"] == "drift"}
    found = []
    for born in (event for event in history if event["kind"] == "reaction" and event["cause"] in drifts):
        proposed = _first(history, "proposal", born)
        served = _first(history, "serve", born)
        if proposed and served:
            steps = (drifts[born["cause"]], born, proposed, served)
            found.append({step["kind"]: {key: step[key] for key in ("position", "at", "version", "cause")} for step in steps})
    return found


def counts_add_up(summary: dict[str, Any]) -> bool:
    """The invariant of the same name."""
    entered = summary["validated"] + summary["rejected"] + summary["duplicates"]
    ended = summary["pending"] + summary["labelled"] + summary["expired"] + summary["quarantined"]
    return bool(summary["sent"] == entered and summary["predictions"] == ended)


def _first(history: list[dict[str, Any]], kind: str, born: dict[str, Any]) -> dict[str, Any] | None:
    later = (event for event in history if event["kind"] == kind and event["position"] > born["position"])
    return next((event for event in later if event["version"] == born["version"]), None)


def _version(each: dict[str, Any]) -> dict[str, Any]:
    plain = {key: each[key] for key in ("learner", "state", "parent", "cause", "born_position", "labels", "learned", "skipped")}
    return {**plain, **each["metrics"]}
