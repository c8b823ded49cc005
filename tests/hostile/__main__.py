"""`make hostile`, `python -m tests.hostile`: hostile records and requests for an ingestion with little memory, and what became of them."""

import argparse
import asyncio
import logging
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from penstock.errors import PenstockError
from penstock.local.running import running
from penstock.local.services import SERVICES, Service
from tests.hostile.campaign import Report, run
from tests.scenario.running import Platform

RECORDS, REQUESTS, MEMORY_MIB = 60_000, 5_000, 256


def main() -> int:
    """Run it once; 1 when something is not as it must be."""
    options = _arguments()
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    again = f"make hostile RECORDS={options.records} SEED={seed}"
    print(f"{options.records:,} hostile records, {options.requests:,} hostile requests; seed {seed}: {again}", flush=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder, began_s = Path(tempfile.mkdtemp(prefix="penstock-hostile-")), time.monotonic()
    folder.chmod(0o755)  # PostgreSQL runs as another user
    report = asyncio.run(_run(folder, options.records, options.requests, seed, options.memory))
    print("\n".join((*told(report, options.memory), f"{again}, {time.monotonic() - began_s:.0f} s")))
    if report.problems:
        print("\n".join(("NOT as it must be:", *report.problems, f"logs: {folder / 'logs'}")))
        return 1
    shutil.rmtree(folder)
    return 0


async def _run(folder: Path, records: int, requests: int, seed: int, memory_mib: int) -> Report:
    async with running(folder, [_capped(service, memory_mib) for service in SERVICES if service.name in ("registry", "ingestion")]):
        return await run(Platform(folder), records, requests, seed)


def _capped(service: Service, memory_mib: int) -> Service:
    """Ingestion with its limit; the registry as it is."""
    if service.name != "ingestion":
        return service
    return replace(service, argv=(sys.executable, "-m", "tests.hostile.capped", str(memory_mib), service.name))


def told(report: Report, memory_mib: int) -> Sequence[str]:
    """The tables."""
    ends = ", ".join(f"{name} {count:,}" for name, count in sorted(report.fates.items()))
    statuses = ", ".join(f"{status or 'none'} {count:,}" for status, count in sorted(report.statuses.items()))
    rows = [f"| `{code}` | {count:,} |" for code, count in sorted(report.codes.items())]
    return (
        "| what was done | records |\n|---|---:|",
        *(f"| {deed} | {count:,} |" for deed, count in sorted(report.deeds.items())),
        "",
        "| dead letters by code | |\n|---|---:|",
        *rows,
        "",
        f"ends in the log: {ends}",
        f"answers of the gateway: {statuses}",
        f"peak memory {report.peak_mib:.0f} MiB ({report.before_mib:.0f} before); the kernel gives {memory_mib} MiB",
        f"digest of the outputs, with what was refused and without: {report.digest}",
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--requests", type=int, default=REQUESTS)
    parser.add_argument("--memory", type=int, default=MEMORY_MIB, help="MiB that ingestion may write to, at most (RLIMIT_DATA)")
    parser.add_argument("--seed", type=int)
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PenstockError as error:
        sys.exit(f"penstock hostile: {error}")
