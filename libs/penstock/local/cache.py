"""The folder where downloads and caches are kept between runs."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache folder: `PENSTOCK_CACHE`, or `~/.cache/penstock`."""
    given = os.environ.get("PENSTOCK_CACHE")
    return Path(given).expanduser().absolute() if given else Path.home() / ".cache" / "penstock"
