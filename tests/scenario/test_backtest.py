"""What a log allows to ask afterwards: where two checkpoints differ, and what other learners would have made of it."""

import asyncio
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from penstock.cli.platform import registry
from penstock.kafka.consumer import READER
from tests.scenario.flights import NAMES, Run, changed
from tests.scenario.running import COMMAND, DEADLINE_S, Platform, as_a_user
from tests.waiting import until

pytestmark = pytest.mark.timeout(400)  # the first one waits for the stack, the platform and a whole replay

OTHERS = (
    (r"    learners:\n.*\n.*\n", "    learners:\n"
     "      slow: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.0003}, intercept_lr: 0.0}}\n"  # worse in any log
     "      adagrad: {linear_model.LogisticRegression: {optimizer: {optim.AdaGrad: 0.05}}}\n"
     "      tree: {tree.HoeffdingTreeClassifier: {max_depth: 8}}\n"),
    (r"champion: sgd ", "champion: slow "),
    (r"challengers: \[\]", "challengers: [tree]"),
    (r"delta: [0-9.]+}}, after_labels: \d+", "delta: 0.9}}, after_labels: 200"),
    (r"cooldown_labels: \d+, budget: \d+", "cooldown_labels: 500, budget: 3"),
    (r"metric: log_loss, after_labels: \d+, margin: [0-9.]+", "metric: log_loss, after_labels: 200, margin: 0.001"),
)  # fmt: skip


def specification(run: Run, folder: Path, *changes: tuple[str, str]) -> Path:
    """The demo's specification with other learners, under the names of this run."""
    file = folder / "others.yaml"
    file.write_text(NAMES.sub(rf"\g<1>{run.model.removeprefix('flights-late')}", changed(*OTHERS, *changes)))
    return file


async def everything(platform: Platform, model: str) -> tuple[dict[str, int], set[str]]:
    """Where the topics of a model and its streams end, and who reads them in groups."""
    own = model.removeprefix("flights-late")  # the cluster is shared with tests that make and delete topics
    admin = AIOKafkaAdminClient(bootstrap_servers=platform.at.bootstrap)
    await admin.start()
    try:
        groups = {group for group, _ in await admin.list_consumer_groups() if own in group}
        topics = sorted(topic for topic in await admin.list_topics() if own in topic)
    finally:
        await admin.close()
    async with AIOKafkaConsumer(bootstrap_servers=platform.at.bootstrap, group_id=None, **READER) as consumer:
        ends = await consumer.end_offsets([TopicPartition(topic, 0) for topic in topics])
    assert ends
    assert groups
    return {partition.topic: end for partition, end in ends.items()}, groups


def test_a_proof_begins_at_the_nearest_snapshot_or_at_zero(platform: Platform, recorded: Run) -> None:
    near, zero = (
        json.loads(platform.penstock("verify", f"{recorded.model}@champion", "-o", "json", *more)) for more in ((), ("--from-zero",))
    )
    assert near["equal"] is zero["equal"] is True
    assert (zero["from_position"], zero["snapshot"]) == (0, 0)
    assert near["from_position"] + near["records"] == zero["records"]
    assert near["checkpoints"] <= zero["checkpoints"] > 50
    assert "records folded from offset 0 in" in platform.penstock("verify", recorded.model, "--from-zero")


def test_two_checkpoints_differ_where_one_has_learned_more(platform: Platform, recorded: Run) -> None:
    positions = asyncio.run(_positions(platform, recorded.model))
    same = json.loads(platform.penstock("diff", f"{recorded.model}/1", f"{recorded.model}/1", "-o", "json"))
    assert (same["count"], same["differences"]) == (0, [])
    early, late = f"{recorded.model}/1@{positions[1]}", f"{recorded.model}/1@{positions[0]}"
    found = json.loads(platform.penstock("diff", early, late, "-o", "json", "--limit", "5"))
    assert found["left"]["reference"] == early
    assert len(found["differences"]) == 5 < found["count"]
    assert all(each["path"].startswith("model.") for each in found["differences"])
    assert f"… and {found['count'] - 20:,} smaller differences. Try: --limit 0" in platform.penstock("diff", early, late)


async def _positions(platform: Platform, model: str) -> list[int]:
    async with registry(platform.folder) as client:
        return [each.position for each in await client.checkpoints(model, version=1)]


@pytest.fixture(scope="module")
def tested(platform: Platform, recorded: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, Any, Any]:
    """A backtest of the whole log, with what the platform was before and after."""
    folder = tmp_path_factory.mktemp("backtest")
    arguments = ("backtest", recorded.model, "--spec", specification(recorded, folder), "--results", folder / "results", "-o", "json")
    before = asyncio.run(everything(platform, recorded.model)), platform.show(recorded.model)["learning"]
    found: dict[str, Any] = json.loads(platform.penstock(*arguments))
    return found, folder, before, (asyncio.run(everything(platform, recorded.model)), platform.show(recorded.model)["learning"])


def test_every_learner_alone_and_the_policy_are_paired_with_what_ran(recorded: Run, tested: Any) -> None:
    found = tested[0]
    assert [(each["name"], each["kind"]) for each in found["candidates"]] == [
        ("live", "live"), ("policy", "policy"), ("adagrad", "learner"), ("slow", "learner"), ("tree", "learner"),
    ]  # fmt: skip
    labelled = recorded.counts["labelled"]
    for each in found["candidates"]:
        assert each["labels"] == labelled
        assert each["against_served"]["labels"] > labelled - 300
        assert each["curve"][-1]["labels"] == each["answered"]
    by_name = {each["name"]: each for each in found["candidates"]}
    assert by_name["live"]["against_live"] is None
    assert {each["against_live"]["verdict"] for each in found["candidates"][1:]} <= {"better", "worse", "no difference that stands out"}
    kinds = {event["kind"] for event in by_name["policy"]["history"]}
    assert {"drift", "reaction", "proposal", "serve"} <= kinds, "the candidate's own detectors and promotion decide"
    assert found["lag"]["serves"] > 0
    assert found["lag"]["serve_ms"] > 0


def test_the_log_as_it_stands_gives_what_the_platform_has_learned(recorded: Run, tested: Any) -> None:
    live = tested[0]["candidates"][0]
    assert {name: count for name, count in live["counts"].items() if count} == {
        name: count for name, count in recorded.counts.items() if count
    }
    assert live["champion"] == recorded.summary["champion"]


def test_nothing_live_is_touched(tested: Any) -> None:
    _, _, before, after = tested
    assert after == before


def test_the_page_needs_nothing_from_elsewhere(tested: Any) -> None:
    page = Path(tested[0]["page"]).read_text(encoding="utf-8")
    assert page.count("<svg viewBox") == 3
    assert not any(word in page for word in ("http:", "https:", "<script", "@import", "src="))
    for name in ("served", "live", "policy", "slow", "adagrad", "tree"):
        assert name in page


def test_interrupted_it_goes_on_with_what_is_finished(platform: Platform, recorded: Run, tmp_path: Path) -> None:
    arguments = ["backtest", recorded.model, "--spec", str(specification(recorded, tmp_path)), "--results", str(tmp_path), "-o", "json"]
    command = [str(COMMAND), *arguments, "--jobs", "1", "--folder", str(platform.folder)]
    with subprocess.Popen(command, env=as_a_user(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        until(lambda: any(tmp_path.glob("*/candidate-0.json")), DEADLINE_S)
        running.send_signal(signal.SIGINT)
        running.wait(DEADLINE_S)
    for last in (*tmp_path.glob("*/candidate-4.json"), *tmp_path.glob("*/report.json")):
        last.unlink()  # it was faster than the signal
    finished = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/candidate-*.json")}
    assert 0 < len(finished) < 5
    found = json.loads(platform.penstock(*arguments))
    assert len(found["candidates"]) == 5
    assert finished == {path: path.stat().st_mtime_ns for path in finished}, "they were not run again"


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        ((), ("--from", "5", "--to", "999999999"), r"is not a range of them. Try: --from 0 --to"),
        ((r"champion: slow ", "champion: slwo "), (), r'champion: "slwo" is not a learner (adagrad, slow, tree). Try: slow'),
        ((r"arr_delay > 15\", horizon", 'arr_delay > 20", horizon'), (), "labels were decided by another rule (arr_delay > 15)"),
        ((r"max_age: 6h, default: 0}", "max_age: 7h, default: 0}"), (), "is not the view that runs"),
    ],
    ids=["range", "learner", "label rule", "view"],
)
def test_what_the_log_cannot_answer_is_refused(
    platform: Platform, recorded: Run, tmp_path: Path, change: tuple[str, str], options: tuple[str, ...], said: str
) -> None:
    file = specification(recorded, tmp_path)
    if change:
        text, count = re.subn(*change, file.read_text())
        assert count == 1
        file.write_text(text)
    refused = platform.try_penstock("backtest", recorded.model, "--spec", file, "--results", tmp_path, *options)
    assert refused.returncode == 2, refused.stderr
    assert said in refused.stderr
    if change:
        assert f"{file}:" in refused.stderr
