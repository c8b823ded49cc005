"""A service of the tests: serves /readyz on PENSTOCK_OPS_PORT and notes in a file when it starts and ends.

Usage: child.py <name> <notes> [claim <pid>]: with a claim it says that it is another process.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import FrameType


def main() -> None:
    name, notes, *claim = sys.argv[1:]
    pid = int(claim[1]) if claim else os.getpid()
    answer = json.dumps({"service": name, "pid": pid}).encode()

    def note(what: str) -> None:
        told = {key: value for key, value in os.environ.items() if key.startswith(("PENSTOCK_", "PYTHONHASHSEED"))}
        with Path(notes).open("a") as file:
            file.write(json.dumps({"name": name, "what": what, "pid": os.getpid(), "environment": told}) + "\n")

    def end(_number: int, _frame: FrameType | None) -> None:
        note("stopped")
        os._exit(0)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

    signal.signal(signal.SIGTERM, end)
    with HTTPServer(("127.0.0.1", int(os.environ["PENSTOCK_OPS_PORT"])), Handler) as server:
        note("started")
        server.serve_forever()


if __name__ == "__main__":
    main()
