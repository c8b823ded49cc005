"""How much room the disk has."""

import shutil
from pathlib import Path

from penstock.local.errors import LocalStackError

FREE_BYTES_MIN = 1_000_000_000


def free_bytes(path: Path) -> int:
    """Return how many bytes are free where a path is, or would be."""
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    return shutil.disk_usage(there).free


def refuse_full_disk(path: Path) -> None:
    """Raise LocalStackError if less than 1 GB is free: Kafka and PostgreSQL stop badly on a full disk."""
    free = free_bytes(path.absolute())
    if free < FREE_BYTES_MIN:
        have, need = f"{free / 1e6:.0f} MB", f"{FREE_BYTES_MIN / 1e6:.0f} MB"
        raise LocalStackError(f"only {have} are free for {path}, the stack needs {need}. Try: free some space, or use another folder.")
