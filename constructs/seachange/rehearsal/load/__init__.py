"""An open-model load: requests leave when they are due whatever the answers do, and latency counts from the intended time.

It runs as a process of its own, so that nothing else delays it: `python -m seachange.rehearsal.load spec.json`.
"""

from seachange.rehearsal.load.record import Record, read_records
from seachange.rehearsal.load.request import PLACEHOLDER, UNIQUE, Request

__all__ = ["PLACEHOLDER", "UNIQUE", "Record", "Request", "read_records"]
