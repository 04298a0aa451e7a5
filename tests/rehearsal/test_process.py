"""Child processes of a stage: they end with the rehearsal, and not before."""

import threading
import time
from pathlib import Path

from seachange.rehearsal.stage.process import ChildProcess


def test_a_process_outlives_the_thread_that_started_it(tmp_path: Path) -> None:
    """As the database does, which a drill restarts beside the rehearsal."""
    started = []

    def start() -> None:
        started.append(ChildProcess("sleep", ["/bin/sleep", "60"], log=tmp_path / "log", cwd=tmp_path, env={}))

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    time.sleep(0.2)
    try:
        assert started[0].exit_code() is None
    finally:
        started[0].kill()
