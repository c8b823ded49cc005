"""`python -m tests.hostile.capped MIB SERVICE`: a service that the kernel gives no more memory than that."""

import resource
import sys

from penstock.process import main

MIB = 1_048_576

if __name__ == "__main__":
    limit = int(sys.argv[1]) * MIB
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))  # what it writes to, unlike RLIMIT_AS without what is only mapped
    sys.exit(main(sys.argv[2]))
