"""One call of the migrations Lambda in a process of its own, as the state machine makes it: the payload comes in, the answer goes out.

`CALL_S` is how long the call may last, `DEFERRED_ROWS` from how many rows on a backfill is left to the workers, and `RANGES` into how many
ranges it is split.
"""

import contextlib
import json
import os
import sys

from seachange_migrations import handler
from seachange_migrations.deployed import worker
from tests.migrations.deployments import Context


def main() -> None:
    worker.DEFERRED_ROWS, worker.RANGES = int(os.environ["DEFERRED_ROWS"]), int(os.environ["RANGES"])
    event = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):  # the Lambda's log
        try:
            answer = handler.is_complete(event, Context(float(os.environ["CALL_S"])))
        except Exception as error:  # noqa: BLE001 - as Lambda does
            answer = {"errorType": type(error).__name__, "errorMessage": str(error), "stackTrace": []}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
