"""A stranger with a CSV file: init, apply, produce, tail, show, verify; and what the errors say."""

import asyncio
import csv
import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from types import MappingProxyType

import asyncpg
import pytest
from river import datasets

from penstock.sources.csv_file import read_rows
from tests.elec2 import ELEC2, needs_elec2
from tests.scenario.running import DEADLINE_S, Platform, suffix
from tests.waiting import until

PHISHING = Path(datasets.__file__).with_name("phishing.csv.gz")
MANUAL = {  # the champion learns next to nothing, so that another is proposed
    "mode: automatic, metric: log_loss, after_labels: 1000": "mode: manual, metric: log_loss, after_labels: 100",
    "adagrad: {linear_model.LogisticRegression: {optimizer: {optim.AdaGrad: 0.05}}}": (
        "adagrad: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.000001}}}"
    ),
}
FILES = [pytest.param(ELEC2, "class", 5_000, id="elec2", marks=needs_elec2), pytest.param(PHISHING, "is_phishing", 1_250, id="phishing")]


@pytest.mark.parametrize(("path", "label", "rows"), FILES)
def test_from_a_csv_to_the_proof_in_six_commands(platform: Platform, tmp_path: Path, path: Path, label: str, rows: int) -> None:
    file = _head(path, rows, tmp_path)
    stream = path.name.partition(".")[0] + suffix()
    model = _learned(platform, file, stream, label, rows)
    answers = [json.loads(line) for line in platform.penstock("tail", f"predictions.{model}", "-n", "3", "-o", "json").splitlines()]
    assert [(answer["type"], 0 <= answer["value"]["score"] <= 1) for answer in answers] == [("Prediction", True)] * 3
    shown = platform.show(model)
    counts, champion = shown["learning"]["counts"], shown["learning"]["champion"]
    assert champion in {version["version"] for version in shown["learning"]["versions"]}
    assert counts["predictions"] == counts["labelled"] == rows
    assert counts["pending"] == counts.get("expired", 0) == 0
    served, prior = shown["quality"]["served"], shown["quality"]["prior"]
    assert served["rocauc"] > 0.6, "what answered had learned: the base rate alone has 0.5"
    assert served["labels"] == prior["labels"] == rows
    for taken in (platform.counts(f"ingestion/{stream}"), platform.counts(f"ingestion/{stream}-labels")):
        assert taken["sent"] == taken["validated"] == rows
    proof = json.loads(platform.penstock("verify", f"{model}@champion", "-o", "json"))
    assert proof["equal"] is True
    assert proof["digest"] == proof["digest_replayed"]
    assert proof["chain"] == proof["chain_replayed"]


async def _tamper(dsn: str, model: str) -> tuple[str, str]:
    """Give the newest checkpoint of version 1 the digest of other bytes; its reference, and that digest."""
    connection = await asyncpg.connect(dsn)
    try:
        blob = f"not what {model} has learned".encode()
        digest = await connection.fetchval("select encode(sha256($1), 'hex')", blob)
        await connection.execute("insert into penstock_registry.blobs (digest, data) values ($1, $2)", digest, blob)
        position = await connection.fetchval(
            "update penstock_registry.checkpoints set digest = $1 where (model, version, position) = "
            "(select model, version, max(position) from penstock_registry.checkpoints where model = $2 and version = 1 group by 1, 2) "
            "returning position",
            digest,
            model,
        )
    finally:
        await connection.close()
    return f"{model}/1@{position}", digest


def test_a_tampered_checkpoint_is_not_proved(platform: Platform, tmp_path: Path) -> None:
    rows = 200
    model = _learned(platform, _head(PHISHING, rows, tmp_path), f"tampered{suffix()}", "is_phishing", rows)
    reference, digest = asyncio.run(_tamper(platform.at.dsn, model))
    done = platform.try_penstock("verify", reference)
    assert done.returncode == 3
    assert f"NOT EQUAL {reference}: digest was recorded as {digest}, the replay gives " in done.stdout
    told = platform.try_penstock("verify", reference, "-o", "json")
    assert told.returncode == 3
    proof = json.loads(told.stdout)
    assert (proof["equal"], proof["metrics_equal"]) == (False, True)
    assert proof["digest"] == digest != proof["digest_replayed"]


def test_a_champion_that_an_edited_specification_names_serves(platform: Platform, tmp_path: Path) -> None:
    rows = 200
    file = _head(PHISHING, rows, tmp_path)
    model = _learned(platform, file, f"edited{suffix()}", "is_phishing", rows)
    spec = file.with_suffix(".yaml")
    text = spec.read_text()
    edited = text.replace("champion: adagrad", "champion: tree").replace("challengers: [sgd, tree]", "challengers: [sgd, adagrad]")
    spec.write_text(edited)
    platform.penstock("apply", spec)
    versions = platform.show(model)["learning"]["versions"]
    tree = next(version["version"] for version in versions if version["learner"] == "tree")
    until(lambda: platform.show(model)["learning"]["champion"] == tree, DEADLINE_S)


def test_where_promotion_is_manual_a_proposal_is_shown_and_becomes_champion_by_hand(platform: Platform, tmp_path: Path) -> None:
    rows = 600
    model = _learned(platform, _head(PHISHING, rows, tmp_path), f"byhand{suffix()}", "is_phishing", rows, MANUAL)
    shown = platform.show(model)
    wanted = shown["proposals"][0]["version"]
    assert shown["learning"]["champion"] == 1 != wanted
    reference = f"{model}/{wanted}"
    assert f"Try: penstock promote {reference}" in platform.penstock("show", model)
    promoted = json.loads(platform.penstock("promote", reference, "-o", "json"))
    assert (promoted["version"], promoted["before"]) == (wanted, 1)
    after = platform.show(model)
    serve = next(event for event in reversed(after["learning"]["history"]) if event["kind"] == "serve")
    assert (serve["version"], serve["position"]) == (wanted, promoted["serves_from"])
    assert after["learning"]["champion"] == wanted
    assert after["proposals"] == []
    for asked, said in {
        reference: f"{reference} is the champion already",
        f"{model}/99": f"{model} has no version 99; it has 1, 2, 3",
        f"nobody{model}/1": f"there is no model nobody{model}",
        model: f"{model} does not name a version",
    }.items():
        refused = platform.try_penstock("promote", asked)
        assert refused.returncode in (1, 2)
        assert said in refused.stderr
        assert "Try: penstock" in refused.stderr


def test_where_nobody_learns_a_file_is_sent_at_full_speed_and_it_is_said(platform: Platform, tmp_path: Path) -> None:
    name, file, spec = f"unheard{suffix()}", tmp_path / "rows.jsonl", tmp_path / "spec.yaml"
    spec.write_text(f"streams: {{{name}: {{key: id, id: id, fields: {{id: string}}}}}}\n")
    file.write_text('{"id": "1"}\n{"id": "2"}\n')
    platform.penstock("apply", spec)
    done = platform.try_penstock("produce", name, file)
    assert done.returncode == 0
    assert f"no model learns from labels of {name}: going at full speed" in done.stderr
    assert f"sent 2 to {name} in" in done.stdout


def test_a_file_is_not_sent_while_the_trainer_is_away(platform: Platform, tmp_path: Path) -> None:
    rows = 20
    file = _head(PHISHING, rows, tmp_path)
    model = _learned(platform, file, f"away{suffix()}", "is_phishing", rows)
    done = platform.try_penstock("produce", model.removesuffix("-is-phishing"), file, PENSTOCK_TRAINER="127.0.0.1:1")
    assert done.returncode == 1
    assert f"the trainer does not answer for {model}" in done.stderr
    assert "nothing was sent. Try: penstock status; penstock logs trainer; or --rate 0" in done.stderr


def test_an_unknown_stream_is_named_with_those_there_are(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"a": 1}\n')
    done = platform.try_penstock("produce", "nobody-applied-this", file)
    assert done.returncode == 2
    assert "no stream is called nobody-applied-this" in done.stderr
    assert "Try: penstock apply" in done.stderr


def test_a_bad_specification_is_refused_with_file_line_reason_and_cure(platform: Platform, tmp_path: Path) -> None:
    good = platform.penstock("init", _head(PHISHING, 100, tmp_path), "--label", "is_phishing", "--name", "refused")
    lines = good.replace("linear_model.LogisticRegression", "linear_model.LogisticRegresion", 1).splitlines()
    number = next(number for number, line in enumerate(lines, 1) if "LogisticRegresion" in line)
    bad = tmp_path / "bad.yaml"
    bad.write_text("\n".join(lines) + "\n")
    done = platform.try_penstock("apply", bad)
    assert done.returncode == 2
    assert f"{bad}:{number}:" in done.stderr
    assert "'linear_model.LogisticRegresion' is not in the list. Did you mean linear_model.LogisticRegression?" in done.stderr
    assert "refused" not in platform.penstock("ls"), "nothing of it was applied"


@pytest.mark.parametrize("arguments", [("ls",), ("show", "a"), ("tail", "validated.a"), ("verify", "a@champion")], ids=lambda each: each[0])
def test_where_nothing_runs_the_next_command_is_named(platform: Platform, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = platform.try_penstock(*arguments, folder=tmp_path)
    assert done.returncode == 1
    assert "Try: penstock up" in done.stderr
    assert "Traceback" not in done.stderr


def _learned(platform: Platform, file: Path, stream: str, label: str, rows: int, changes: Mapping[str, str] = MappingProxyType({})) -> str:
    """init, apply, produce, and wait until every label is learned; the model's name."""
    spec = file.with_suffix(".yaml")
    text = platform.penstock("init", file, "--label", label, "--name", stream)
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    spec.write_text(text)
    assert "every model answers" in platform.penstock("apply", spec)
    assert f"sent {rows:,} to {stream}, {rows:,} to {stream}-labels" in platform.penstock("produce", stream, file)
    model = f"{stream}-{label.replace('_', '-')}"
    until(lambda: platform.show(model)["learning"]["counts"].get("labelled") == rows, DEADLINE_S)
    return model


def _head(path: Path, rows: int, folder: Path) -> Path:
    """The first rows of a CSV file, in a file of its own."""
    head = list(islice(read_rows(path), rows))
    assert len(head) == rows
    copy = folder / f"{path.name.partition('.')[0]}.csv"
    with copy.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(head[0]))
        writer.writeheader()
        writer.writerows(head)
    return copy
