"""What is known of RDS instance classes: their memory, and how many connections PostgreSQL takes by default."""

import re

from aws_cdk import Token
from aws_cdk import aws_ec2 as ec2

# GiB of the size `large` by family; every other size is a multiple of it. Pages "Amazon RDS instance types" and the DB instance class specifications.
_LARGE_GIB = {"t3": 8, "t4g": 8}
_LARGE_GIB |= dict.fromkeys(("m5", "m6g", "m6i", "m7g", "m7i", "m8g"), 8)
_LARGE_GIB |= dict.fromkeys(("r5", "r6g", "r6i", "r7g", "r7i", "r8g"), 16)
_BURSTABLE = {"micro": 0.125, "small": 0.25, "medium": 0.5}
_LARGES = {"large": 1, "xlarge": 2}

# RDS's default for PostgreSQL: LEAST({DBInstanceClassMemory/9531392}, 5000).
_BYTES_PER_CONNECTION = 9531392
_MOST_CONNECTIONS = 5000


def max_connections_of(instance_type: ec2.InstanceType) -> int | None:
    """How many connections PostgreSQL takes at most on this class, by RDS's default formula; None for a class that is not known here.

    It is an upper bound, computed from the class's whole memory. RDS computes with what the operating system and its own processes leave,
    so `SHOW max_connections` answers with less: by about a tenth on a class of 4 GiB, by more on smaller ones. For a `micro` ask the database.

    Args:
        instance_type: Such as `t4g.medium`, with or without the leading `db.`.
    """
    name = instance_type.to_string()
    if Token.is_unresolved(name):
        return None
    memory = _memory_gib(name.removeprefix("db."))
    return None if memory is None else min(int(memory * 2**30 / _BYTES_PER_CONNECTION), _MOST_CONNECTIONS)


def _memory_gib(name: str) -> float | None:
    family, _, size = name.partition(".")
    if family not in _LARGE_GIB:
        return None
    if family.startswith("t") and size in _BURSTABLE:
        return _LARGE_GIB[family] * _BURSTABLE[size]
    if size in _LARGES:
        return _LARGE_GIB[family] * _LARGES[size]
    times = re.fullmatch(r"(\d+)xlarge", size)
    return None if times is None else _LARGE_GIB[family] * 2 * int(times[1])
