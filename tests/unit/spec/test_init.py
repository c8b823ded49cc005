"""`penstock init`: what it writes loads, says what it guessed, and refuses what it cannot guess."""

from importlib.metadata import distribution
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from penstock.cli.init import specification
from penstock.errors import UsageError
from penstock.sources.csv_file import read_rows
from penstock.spec import SpecError, check_learners, load
from penstock.spec.guess import Wishes, guess
from penstock.spec.rows import Planned, plan_rows, split_row
from penstock.spec.template import write_spec

PHISHING = Path(str(distribution("river").locate_file("river/datasets/phishing.csv.gz")))


def churn(path: Path, rows: int = 200) -> Path:
    """Customers: id, time, a plan, a constant, a note that is different in every row, and who left."""
    lines = ["customer_id,signed up,plan,country,note,minutes,Churned?"]
    for row in range(rows):
        minutes = "" if row % 17 == 0 else f"{row * 1.5}"
        when, plan, gone = f"2024-01-{1 + row // 10:02d}T{row % 10:02d}:00:00Z", "gold" if row % 3 else "basic", "no" if row % 5 else "yes"
        lines.append(f"c{row},{when},{plan},US,n{row},{minutes},{gone}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_customers_is_understood(tmp_path: Path) -> None:
    text = specification(churn(tmp_path / "churn.csv", 200 - 1), label="Churned?", delay="2d")
    spec = load(text)
    stream, labels, view = spec.streams["churn"], spec.streams["churn-labels"], spec.views["churn-features"]
    assert (stream.id, stream.time, stream.key) == ("customer_id", "signed_up", "plan")
    assert stream.fields["minutes"].nullable
    assert view.select == ("plan", "minutes")
    assert set(view.compute) == {"hour_of_day", "day_of_week"}
    assert (labels.time, labels.fields["Churned"].type) == ("known_at", "boolean")
    days = spec.models["churn-churned"].label.horizon_ms / 86_400_000
    assert days == 98, "a thousand rows at ten a day, so that a fast replay outruns no label"
    assert (
        load(specification(tmp_path / "churn.csv", label="Churned?", delay="90d")).models["churn-churned"].label.horizon_ms / 86_400_000
        == 180
    )
    assert "# country is left out: always the same" in text
    assert "# note is left out: names rows" in text
    assert "penstock produce churn" in text
    assert "--delay 2d" in text
    check_learners(spec, text)


@pytest.mark.parametrize(
    ("label", "positive"),
    [
        ("0\n1", "y == 1"),
        ("-1\n1", "y == 1"),
        ("true\nfalse", "y == true"),
        ("UP\nDOWN\nUP", "y == 'DOWN'"),
        ("it's\nno'\nno'", 'y == "it\'s"'),
    ],
)
def test_the_positive_label_is_guessed_and_said(tmp_path: Path, label: str, positive: str) -> None:
    path = table(tmp_path / "mine.csv", "x;y\n" + "\n".join(f"{row % 7};{word}" for row, word in enumerate(label.split("\n") * 10)))
    text = specification(path, label="y")
    assert load(text).models["mine-y"].label.positive == positive
    assert "positive" in text


def test_a_numeric_label_of_two_classes_needs_a_threshold(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", "x,y\n" + "\n".join(f"{row % 7},{row}" for row in range(50)))
    with pytest.raises(SpecError, match=r'the label y has 50 different values, and a binary model needs two. Try: --positive "y > 15"'):
        specification(path, label="y", task="binary_classification")
    assert load(specification(path, label="y", positive="y > 15")).models["mine-y"].label.positive == "y > 15"


def test_wishes_are_kept(tmp_path: Path) -> None:
    spec = load(
        specification(churn(tmp_path / "mine.csv"), label="Churned?", key="customer_id", id="note", time="signed up", name="My Own")
    )
    stream = spec.streams["my-own"]
    assert (stream.key, stream.id, stream.time) == ("customer_id", "note", "signed_up")


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        ({"label": "churn"}, "--label churn: no column is called so. Try: Churned"),
        ({"label": "country"}, "the label country has only one value"),
        ({"label": "Churned?", "time": "plan"}, "the column holds no times"),
        ({"label": "Churned?", "key": "minutes"}, "--key minutes: the column has empty cells"),
        ({"label": "Churned?", "delay": "soon"}, "--delay soon is not a duration"),
        ({"label": "Churned?", "positive": "minutes > 3"}, '"minutes" is not a field here'),
        ({"label": "Churned?", "positive": "3"}, "is no condition"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_with_a_cure(tmp_path: Path, wishes: dict[str, str], reason: str) -> None:
    path = churn(tmp_path / "mine.csv")
    with pytest.raises(UsageError) as refused:
        specification(path, **wishes)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "it is empty"), ("a,b\n", "no rows"), ("a b,a_b\n1,2\n", "the same name: a_b"), ('a,y\n1,"2\n', "cannot be read as CSV")],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UsageError) as refused:
        specification(table(tmp_path / "mine.csv", text), label="y")
    assert reason in str(refused.value)


def test_bytes_that_are_no_text_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_bytes(b"a,y\n\xff\xfe,1\n")
    for name in ("mine.csv", "none.csv"):
        with pytest.raises(UsageError):
            specification(tmp_path / name, label="y")


def test_few_texts_seen_often_become_an_enum(tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", "x,y\n" + "\n".join(f"{'ab'[row % 2]},{row % 2}" for row in range(120)))
    assert load(specification(path, label="y")).streams["mine"].fields["x"].enum == ("a", "b")


def test_every_row_of_phishing_fits_the_guess() -> None:
    spec = load(specification(PHISHING, label="is_phishing"))
    planned = list(plan_rows(read_rows(PHISHING), spec, "phishing"))
    assert len(planned) == 2 * 1250
    assert all(fits(each, spec.streams[each.stream].fields) for each in planned)


def fits(planned: Planned, fields: object) -> bool:
    assert isinstance(fields, dict)
    pairs = [(fields[name], value) for name, value in planned.event.items()]
    return all(value is not None and (field.minimum is None or field.minimum <= value <= field.maximum) for field, value in pairs)


def test_a_row_is_split_into_question_and_label(tmp_path: Path) -> None:
    path = churn(tmp_path / "churn.csv")
    spec = load(specification(path, label="Churned?"))
    event, label = split_row(next(read_rows(path)), spec, "churn", delay_ms=60_000)
    assert event == {"customer_id": "c0", "signed_up": 1_704_067_200_000, "plan": "basic", "country": "US", "note": "n0", "minutes": None}
    assert label == {"customer_id": "c0", "Churned": True, "known_at": 1_704_067_260_000}


def test_a_row_without_a_label_has_none_and_a_bad_cell_stays_text(tmp_path: Path) -> None:
    spec = load(specification(churn(tmp_path / "churn.csv"), label="Churned?"))
    event, label = split_row({"customer_id": "c1", "minutes": "many", "Churned?": ""}, spec, "churn")
    assert label is None
    assert event["minutes"] == "many"


def test_labels_follow_when_event_time_has_passed_them(tmp_path: Path) -> None:
    path = churn(tmp_path / "churn.csv")
    spec = load(specification(path, label="Churned?"))
    planned = list(plan_rows(read_rows(path), spec, "churn", delay_ms=5_400_000))
    times = [each.event_time_ms for each in planned]
    assert times == sorted(times, key=lambda time: time or 0)
    assert [each.stream for each in planned[:4]] == ["churn", "churn", "churn-labels", "churn"] or planned[2].stream == "churn"
    assert len(planned) == 400


cells = st.sampled_from(
    [
        "",
        "1",
        "0",
        "2.5",
        "yes",
        "no",
        "NA",
        "2024-01-01",
        "x",
        "1e300",
        "-1e308",
        "null",
        "'",
        '"',
        "\\",
        "é",
        "true",
        "1700000000",
        "9" * 18,
    ]
)


@settings(deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=4),
    st.lists(st.lists(cells, min_size=4, max_size=4), min_size=1, max_size=30),
    st.lists(st.sampled_from("ab"), min_size=30, max_size=30),
)
def test_a_guess_loads_or_is_refused_politely(headers: list[str], rows: list[list[str]], labels: list[str]) -> None:
    table = [{**dict(zip(headers, row, strict=False)), "the label": label} for row, label in zip(rows, labels, strict=False)]
    try:
        found = guess(table, Wishes("the label"))
    except SpecError:
        return
    load(write_spec(found, name="mine", path="mine.csv", rows=len(table), delay_ms=0))
