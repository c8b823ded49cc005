"""Free TCP ports on 127.0.0.1."""

import random
import socket
from collections.abc import Iterable
from pathlib import Path

from penstock.local.errors import LocalStackError

HOST = "127.0.0.1"
LOWEST_PORT = 20_000
# Below the ports that the kernel gives to outgoing connections: there a client that retries a dead
# server's port can connect to itself, and then the server cannot come back to its port.
HIGHEST_PORT = 32_000
AVOIDED_PORTS = frozenset({29_092})  # a common port of other people's Kafka
TRIES = 2_000


def choose_ports(names: Iterable[str], preferred: dict[str, int]) -> dict[str, int]:
    """Return a free port for each name: the preferred one (of the last run) if it is free, else a random one.

    Raises:
        LocalStackError: no port is free.
    """
    chosen: dict[str, int] = {}
    for name in names:
        port = preferred.get(name, 0)
        usable = port and port not in chosen.values() and is_free(port)
        chosen[name] = port if usable else _random_port(set(chosen.values()) | set(preferred.values()))
    return chosen


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: TIME_WAIT is no obstacle
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _random_port(taken: set[int]) -> int:
    chance = random.SystemRandom()
    for _ in range(TRIES):
        port = chance.randint(LOWEST_PORT, HIGHEST_PORT)
        if port not in taken and port not in AVOIDED_PORTS and is_free(port):
            return port
    raise LocalStackError(
        f"no free port on {HOST} between {LOWEST_PORT} and {HIGHEST_PORT} (tried {TRIES}). "
        "Try: penstock doctor, which names who holds ports."
    )


def listener_of(port: int, proc: Path = Path("/proc")) -> tuple[int, str] | None:
    """Return (pid, command) of the process that listens on a TCP port of this machine; None if none can be seen (Linux only)."""
    inodes = set().union(*(listening_inodes(_read(proc / "net" / name), port) for name in ("tcp", "tcp6")))
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for link in proc.glob("[0-9]*/fd/*") if wanted else ():
        try:
            held = str(link.readlink())
        except OSError:
            continue
        if held in wanted:
            pid = int(link.parts[-3])
            return pid, _read(proc / str(pid) / "cmdline").replace("\0", " ").strip()
    return None


def listening_inodes(table: str, port: int) -> set[str]:
    """Return the socket inodes that listen on a port, from the text of /proc/net/tcp."""
    rows = (line.split() for line in table.splitlines()[1:])
    return {row[9] for row in rows if len(row) > 9 and row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
