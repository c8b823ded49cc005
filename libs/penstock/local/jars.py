"""Kafka's jars: fetched with jgo, checked against the committed lock, kept in the cache folder."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from penstock.local.errors import LocalStackError

if TYPE_CHECKING:
    from jgo.maven import MavenContext

LOCK_FILE = Path(__file__).with_name("kafka.lock")
DOWNLOAD_THREADS = 8
DOWNLOAD_TRIES = 4
DOWNLOAD_TIMEOUT_S = 30
RETRY_DELAY_S = 0.5

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in total), from any thread, one call at a time."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One line of the lock: a Maven coordinate, its SHA-256 (hex) and its size in bytes."""

    group: str
    artifact: str
    version: str
    sha256: str
    size_bytes: int

    def path_in(self, repository: Path) -> Path:
        """Return where a Maven repository keeps this jar."""
        return repository.joinpath(*self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar")


def fetch_jars(cache: Path, lock: str, progress: Progress = lambda done, total: None, retry_delay_s: float = RETRY_DELAY_S) -> list[Path]:
    """Return the paths of all jars of the lock, in its order, after fetching those that are missing or corrupt.

    Raises:
        LocalStackError: a jar cannot be fetched, or what the repository sends has another hash.
    """
    jars, repository = parse_lock(lock), cache / "maven"
    with _one_fetcher(cache):
        wanted = missing_jars(repository, jars)
        if wanted:
            _fetch(repository, wanted, progress, retry_delay_s)
            for stale in cache.glob("kafka-*.aot"):  # an AOT cache made from other files would never be used again
                stale.unlink(missing_ok=True)
    return [jar.path_in(repository) for jar in jars]


def parse_lock(text: str) -> tuple[Jar, ...]:
    """Read the lock: lines of `group:artifact:version sha256 bytes`; `#` starts a comment.

    >>> parse_lock("# Kafka\\norg.slf4j:slf4j-api:1.7.36 " + "ab" * 32 + " 41125")[0].artifact
    'slf4j-api'
    """
    return tuple(_parse_line(line) for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _parse_line(line: str) -> Jar:
    try:
        coordinate, sha256, size = line.split()
        group, artifact, version = coordinate.split(":")
        if len(bytes.fromhex(sha256)) != hashlib.sha256().digest_size:
            raise ValueError("not a SHA-256")
        return Jar(group, artifact, version, sha256, int(size))
    except ValueError as error:
        raise LocalStackError(f"kafka.lock: cannot read {line!r} ({error}). Try: restore the file with git.") from error


def missing_jars(repository: Path, jars: Sequence[Jar]) -> list[Jar]:
    """Return the jars that are absent from the repository folder or whose hash is not the lock's."""
    with ThreadPoolExecutor(DOWNLOAD_THREADS) as threads:
        good = threads.map(lambda jar: _is_good(jar, jar.path_in(repository)), jars)
        return [jar for jar, is_good in zip(jars, good, strict=True) if not is_good]


def missing_bytes(cache: Path, lock: str) -> int:
    """Return how many bytes `fetch_jars` would download."""
    return sum(jar.size_bytes for jar in missing_jars(cache / "maven", parse_lock(lock)))


def _is_good(jar: Jar, path: Path) -> bool:
    try:
        if path.stat().st_size != jar.size_bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except FileNotFoundError:
        return False


class _Counter:
    """Adds up the bytes of all threads; a jar that is fetched again counts once."""

    def __init__(self, total_bytes: int, progress: Progress) -> None:
        self._done_bytes: dict[str, int] = {}
        self._total_bytes = total_bytes
        self._progress = progress
        self._lock = Lock()

    @contextmanager
    def file(self, name: str, _size_bytes: int) -> Iterator[Callable[[int], None]]:
        self._done_bytes[name] = 0
        yield partial(self._add, name)

    def _add(self, name: str, count: int) -> None:
        with self._lock:
            self._done_bytes[name] += count
            self._progress(sum(self._done_bytes.values()), self._total_bytes)


def _fetch(repository: Path, jars: Sequence[Jar], progress: Progress, retry_delay_s: float) -> None:
    counter = _Counter(sum(jar.size_bytes for jar in jars), progress)
    context = _maven(repository, counter)
    with ThreadPoolExecutor(DOWNLOAD_THREADS) as threads:
        for _ in threads.map(partial(_fetch_one, context, retry_delay_s), jars):
            pass  # the first error is raised here


def _maven(repository: Path, counter: _Counter) -> "MavenContext":
    try:
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 (an extra, and 0.3 s)
    except ImportError as error:
        raise LocalStackError('Kafka cannot be fetched: the jgo package is absent. Try: pip install "penstock[local]"') from error
    base_url = os.environ.get("MAVEN_BASE_URL")
    return MavenContext(
        resolver=PythonResolver(progress_callback=counter.file),
        repo_cache=repository,
        local_repos=[],
        remote_repos={"given": base_url.rstrip("/")} if base_url else None,
        timeout=DOWNLOAD_TIMEOUT_S,
    )


def _fetch_one(context: "MavenContext", retry_delay_s: float, jar: Jar) -> None:
    path, reason = jar.path_in(context.repo_cache), ""
    for attempt in range(DOWNLOAD_TRIES):
        if attempt:
            time.sleep(retry_delay_s * 2**attempt)
        path.unlink(missing_ok=True)  # a file of the wrong hash: cut short, or damaged later
        try:
            context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo raises RuntimeError for a 404
            reason = str(error)
            continue
        if _is_good(jar, path):
            return
        reason = "its SHA-256 is not the one in kafka.lock"
    path.unlink(missing_ok=True)
    raise LocalStackError(
        f"cannot fetch {jar.artifact}-{jar.version}.jar: {reason}. "
        "Try: check the network, or set HTTPS_PROXY, or MAVEN_BASE_URL to a mirror of Maven Central."
    )


@contextmanager
def _one_fetcher(cache: Path) -> Iterator[None]:
    """Let one process at a time write into the cache; the others wait and then find the files there."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetch.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
