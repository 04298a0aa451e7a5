"""A task of an image that migrates, in a process of its own: `python -m seachange_migrations` with the limits of the test.

`DEFERRED_ROWS` and `RANGES` are those of `one_call`.
"""

import os
import sys

from seachange_migrations import __main__ as door
from seachange_migrations.deployed import worker

if __name__ == "__main__":
    worker.DEFERRED_ROWS, worker.RANGES = int(os.environ["DEFERRED_ROWS"]), int(os.environ["RANGES"])
    sys.exit(door.main(os.environ))
