"""Fetching jars from a Maven repository: a local one, served by this test."""

import hashlib
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from penstock.local.jars import Jar, fetch_jars, missing_bytes
from penstock.local.stack import LocalStackError

GOOD = b"a jar" * 1000
JAR = Jar("org.example", "thing", "1.0", hashlib.sha256(GOOD).hexdigest(), len(GOOD))
LOCK = f"org.example:thing:1.0 {JAR.sha256} {JAR.size_bytes}\n"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository with one jar; the jar's path."""
    root = tmp_path / "mirror"
    path = JAR.path_in(root)
    path.parent.mkdir(parents=True)
    path.write_bytes(GOOD)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("MAVEN_BASE_URL", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield path
        server.shutdown()
        thread.join()


def test_a_jar_is_fetched_once_and_progress_is_told(tmp_path: Path, mirror: Path) -> None:
    cache, told = tmp_path / "cache", list[tuple[int, int]]()
    assert missing_bytes(cache, LOCK) == len(GOOD)
    (path,) = fetch_jars(cache, LOCK, lambda done, total: told.append((done, total)))
    assert path.read_bytes() == GOOD
    assert told[-1] == (len(GOOD), len(GOOD))
    assert missing_bytes(cache, LOCK) == 0
    mirror.unlink()
    assert fetch_jars(cache, LOCK) == [path]


@pytest.mark.parametrize("damage", [GOOD[:-1] + b"?", GOOD[:100], b""])
def test_a_corrupt_jar_is_fetched_again_and_aot_caches_made_from_it_go(tmp_path: Path, mirror: Path, damage: bytes) -> None:
    assert mirror.exists()
    cache = tmp_path / "cache"
    (path,) = fetch_jars(cache, LOCK)
    path.write_bytes(damage)
    (cache / "kafka-0.aot").touch()
    assert fetch_jars(cache, LOCK) == [path]
    assert path.read_bytes() == GOOD
    assert not (cache / "kafka-0.aot").exists()


def test_a_repository_that_sends_something_else_is_refused_and_nothing_is_kept(tmp_path: Path, mirror: Path) -> None:
    mirror.write_bytes(GOOD[::-1])
    with pytest.raises(LocalStackError, match=r"thing-1\.0\.jar: its SHA-256 .* Try: .*MAVEN_BASE_URL"):
        fetch_jars(tmp_path / "cache", LOCK, retry_delay_s=0.01)
    assert not JAR.path_in(tmp_path / "cache" / "maven").exists()


def test_a_jar_that_no_repository_has_is_named(tmp_path: Path, mirror: Path) -> None:
    mirror.unlink()
    with pytest.raises(LocalStackError, match=r"cannot fetch thing-1\.0\.jar"):
        fetch_jars(tmp_path / "cache", LOCK, retry_delay_s=0.01)
