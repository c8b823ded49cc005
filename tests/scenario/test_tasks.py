"""Every task from `init` to `verify`, on data that River ships in its wheel."""

import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from river import datasets

from penstock.sources.csv_file import read_rows
from tests.scenario.running import DEADLINE_S, Platform, suffix
from tests.scenario.test_verify import INVARIANTS
from tests.waiting import until

pytestmark = pytest.mark.timeout(400)  # the first one waits for the stack and the platform

SHIPPED = Path(datasets.__file__).parent
DRAWS = re.compile(r"((?:HalfSpaceTrees|ARFClassifier): \{)")
Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Told:
    """What a stranger has and says; `is_good` looks at the best version beside what knows only the labels.

    What was served is not judged: a file is sent up to 300 labels ahead of what its models have learned. How far that is hangs on the
    machine, and a regression's error with it: `judged_after` so many rows, all learned before the next is sent, its metrics begin.
    Learners that draw are given a seed: theirs comes from the model's name, which is another one in each run.
    """

    file: str
    rows: int
    options: tuple[str, ...]
    task: str
    is_good: Callable[[list[Metrics], Metrics], bool]
    answer: Callable[[dict[str, Any]], bool]
    rate: str = ""
    judged_after: int = 0


def is_number(prediction: dict[str, Any]) -> bool:
    """Or nothing: a forecaster that has seen too little has no opinion yet."""
    return isinstance(prediction["score"], float | None) and prediction["predicted_class"] is None is prediction["probabilities"]


def is_class(prediction: dict[str, Any]) -> bool:
    shares: dict[str, float] = prediction["probabilities"]
    likeliest = float(prediction["score"]) == shares[prediction["predicted_class"]] == max(shares.values())
    return likeliest and abs(sum(shares.values()) - 1) < 1e-9


def beats(name: str, share: float = 1.0) -> Callable[[list[Metrics], Metrics], bool]:
    """Whether a version has less of a metric than such a share of the prior's."""
    return lambda versions, prior: min(version[name] for version in versions) < share * prior[name]


STRANGERS = {
    "multiclass": Told("segment.csv.zip", 1_000, ("--label", "category"), "multiclass", beats("log_loss", 0.7), is_class),
    "regression": Told(*("chick-weights.csv", 578, ("--label", "weight"), "regression", beats("mae", 0.8), is_number), judged_after=400),
    "anomaly": Told(
        *("shuttle.csv.gz", 2_000, ("--label", "anomaly", "--task", "anomaly"), "anomaly"),
        is_good=lambda versions, prior: max(version["rocauc"] for version in versions) > 0.85 > prior["rocauc"],
        answer=is_number,
    ),
    "unlabelled": Told("shuttle.csv.gz", 600, ("--task", "anomaly"), "anomaly", lambda versions, prior: not prior["labels"], is_number),
    "forecasting": Told(
        "water-flow.csv", 120, ("--label", "Water flow [l/s]", "--task", "forecasting"), "forecasting", beats("mae", 10.0), is_number, "50"
    ),
    "months": Told(
        "airline-passengers.csv", 144, ("--label", "passengers", "--task", "forecasting"), "forecasting", beats("mae"), is_number
    ),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_from_a_csv_to_the_proof(platform: Platform, tmp_path: Path, name: str) -> None:
    told, stream = STRANGERS[name], name + suffix()
    *before, file = _files(told, tmp_path)
    spec = tmp_path / "penstock.yaml"
    text, drawn = DRAWS.subn(r"\1seed: 7, ", platform.penstock("init", file, *told.options, "--name", stream))
    spec.write_text(text)
    assert f"    task: {told.task}\n" in text
    assert bool(drawn) == (told.task in {"multiclass", "anomaly"})
    platform.penstock("apply", spec)
    model = next(
        part["name"] for part in json.loads(platform.penstock("ls", "-o", "json")) if part["kind"] == "model" and stream in part["name"]
    )
    early = [_sent(platform, stream, each, model, told, told.judged_after) for each in before]
    shown = _sent(platform, stream, file, model, told, told.rows)
    answers = [json.loads(line) for line in platform.penstock("tail", f"predictions.{model}", "-n", "3", "-o", "json").splitlines()]
    assert [told.answer(answer["value"]) for answer in answers] == [True] * 3
    assert shown["learning"]["counts"]["predictions"] == told.rows
    assert shown["learning"]["counts"].get("labels.out_of_order", 0) == 0
    assert told.is_good(*_judged(told, shown, early)), (shown, early)
    assert "version" in platform.penstock("show", model)
    proof = json.loads(platform.penstock("verify", f"{model}@champion", "-o", "json"))
    assert (proof["equal"], proof["metrics_equal"], proof["digest"]) == (True, True, proof["digest_replayed"])
    looked = platform.try_penstock("verify", "--model", model, "-o", "json")
    report = json.loads(looked.stdout)
    assert looked.returncode == 0, report
    assert {each["name"] for each in report["invariants"]} == INVARIANTS
    served = next(each for each in report["invariants"] if each["name"] == "log_says_what_was_served")
    assert "answers computed anew" in served["note"]


def _sent(platform: Platform, stream: str, file: Path, model: str, told: Told, rows: int) -> dict[str, Any]:
    """What is shown of the model when all these rows have reached it."""
    platform.penstock("produce", stream, file, *(("--rate", told.rate) if told.rate else ()))
    ended = "labelled" if "--label" in told.options else "predictions"

    def is_there() -> bool:
        shown = platform.show(model)
        told_of = shown["quality"]["labelled"] if ended == "labelled" else rows
        return bool(min(shown["learning"]["counts"].get(ended, 0), told_of) >= rows)

    until(is_there, DEADLINE_S)
    return platform.show(model)


def _judged(told: Told, shown: dict[str, Any], early: list[dict[str, Any]]) -> tuple[list[Metrics], Metrics]:
    """The metrics of the versions and of the prior; where rows went before, the mean error over those that followed."""
    versions = [version["metrics"] for version in shown["learning"]["versions"]]
    if not early:
        return versions, shown["quality"]["prior"]
    before = [version["metrics"] for version in early[0]["learning"]["versions"]]
    pairs = [*zip(versions, before, strict=True), (shown["quality"]["prior"], early[0]["quality"]["prior"])]
    *later, prior = [(now["mae"] * told.rows - then["mae"] * told.judged_after) / (told.rows - told.judged_after) for now, then in pairs]
    return [{"mae": each} for each in later], {"mae": prior}


def _files(told: Told, folder: Path) -> list[Path]:
    """The first rows of a file, as they stand in River's wheel; in two files with the numbers of the rows, if some go before."""
    source = SHIPPED / told.file
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            source = Path(archive.extract(archive.namelist()[0], folder / "zip"))
    rows = list(islice(read_rows(source), told.rows))
    assert len(rows) == told.rows
    if not told.judged_after:
        return [_write(folder / "mine.csv", rows)]
    rows = [{"row_id": str(number), **row} for number, row in enumerate(rows, 1)]
    return [_write(folder / "before.csv", rows[: told.judged_after]), _write(folder / "mine.csv", rows[told.judged_after :])]


def _write(file: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file
