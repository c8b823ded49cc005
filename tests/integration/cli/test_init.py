"""What `penstock init` guesses from the first rows holds for all rows of a large file."""

from penstock.cli.init import specification
from penstock.sources.csv_file import read_rows
from penstock.spec import load
from penstock.spec.rows import plan_rows
from tests.elec2 import ELEC2, needs_elec2
from tests.unit.spec.test_init import fits


@needs_elec2
def test_every_row_of_elec2_fits_the_guess() -> None:
    spec = load(specification(ELEC2, label="class"))
    assert spec.models["elec2-class"].label.positive == "class == 1"
    assert all(fits(planned, spec.streams[planned.stream].fields) for planned in plan_rows(read_rows(ELEC2), spec, "elec2"))
