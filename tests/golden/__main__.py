"""`python -m tests.golden` notes what this runtime makes of the kept log; with `log`, the log itself is made anew first (never needed)."""

import asyncio
import json
import shutil
import sys

from penstock import codec
from tests.golden.golden import EXPECTED, FOLDER, expected, fold, make

if __name__ == "__main__":
    if "log" in sys.argv:
        shutil.rmtree(FOLDER, ignore_errors=True)
        asyncio.run(make())
    runtime = dict(codec.runtime())
    others = [each for each in expected() if each["runtime"] != runtime] if EXPECTED.exists() and "log" not in sys.argv else []
    EXPECTED.write_text(json.dumps([*others, {"runtime": runtime, **fold()}], indent=1) + "\n", encoding="utf-8")
