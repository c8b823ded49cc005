"""What a user sees of a state: its digest, and the fingerprint of the runtime that the digest holds for."""

import hashlib
import os
import platform
from collections.abc import Mapping
from importlib.metadata import version


def digest(data: bytes) -> str:
    """SHA-256 of the uncompressed state, as 64 hexadecimal digits.

    >>> digest(b"")[:16]
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(data).hexdigest()


def runtime() -> Mapping[str, str]:
    """The fingerprint within which equal logs give equal digests.

    Keys: python, river, numpy, penstock (versions), machine (architecture), hash_seed ("random" unless pinned).
    """
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "river": version("river"),
        "numpy": version("numpy"),
        "penstock": version("penstock"),
        "machine": platform.machine(),
        "hash_seed": os.environ.get("PYTHONHASHSEED") or "random",
    }
