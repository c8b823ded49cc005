#!/usr/bin/env python
"""Exit code 0 if the service in this container answers /readyz with 200: the container's health check."""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_S = 3.0

try:
    with urllib.request.urlopen(f"http://127.0.0.1:{os.environ['PENSTOCK_OPS_PORT']}/readyz", timeout=TIMEOUT_S) as answer:
        sys.stdout.write(answer.read().decode())
except (urllib.error.URLError, OSError) as error:
    sys.exit(f"not ready: {error}")
