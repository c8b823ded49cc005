"""The real Electricity stream (45,312 rows), which lies beside the repository on some machines and is not part of it."""

from pathlib import Path

import pytest

ELEC2 = Path(__file__).parents[2] / "shared" / "data" / "elec2.csv"
needs_elec2 = pytest.mark.skipif(not ELEC2.exists(), reason="../shared/data/elec2.csv is not beside this repository")
