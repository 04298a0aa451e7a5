"""Stands before one task and performs a fault, as a process of its own: `python -m seachange.rehearsal.proxy proxy.json`."""
