"""The local stack's public names: run it here, run it detached, stop it, read its state."""

from penstock.local.detached import start_detached, stop
from penstock.local.errors import LocalStackError
from penstock.local.running import Addresses, infrastructure, supervise, wipe
from penstock.local.services import SERVICES, Service
from penstock.local.state import DEFAULT_FOLDER, Process, State, read_state

__all__ = [
    "DEFAULT_FOLDER",
    "SERVICES",
    "Addresses",
    "LocalStackError",
    "Process",
    "Service",
    "State",
    "infrastructure",
    "read_state",
    "start_detached",
    "stop",
    "supervise",
    "wipe",
]
