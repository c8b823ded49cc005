"""The garbage collector while something is timed."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """No collection inside looks at what is there already: logs, records and imports are no part of anyone's work.

    Every process of ours freezes what it imports, too.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
