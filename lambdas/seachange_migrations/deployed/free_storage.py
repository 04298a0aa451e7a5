"""How much storage an RDS instance has left, which SQL cannot tell: Amazon CloudWatch is asked, beside the work and not in its way.

Sources: *GetMetricStatistics* in the CloudWatch API reference (its points come in no order), *Amazon CloudWatch metrics for Amazon RDS* in
the RDS user guide (FreeStorageSpace, in bytes, once a minute).
"""

import math
import threading
import time
from datetime import UTC, datetime, timedelta

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from seachange_migrations.errors import one_line
from seachange_migrations.report import OnProgress

# RDS tells it once a minute, and CloudWatch shows it a little later.
EVERY_S = 60.0
WINDOW = timedelta(minutes=5)
PERIOD_S = 60
# All that a batch ever waits for an answer, and only for the first one.
FIRST_ANSWER_S = 3.0
SECONDS_TO_CONNECT, SECONDS_TO_READ = 2, 3
PATIENCE = Config(connect_timeout=SECONDS_TO_CONNECT, read_timeout=SECONDS_TO_READ, retries={"total_max_attempts": 1})


class FreeStorage:
    """Called, returns the bytes that RDS instance `instance` has left; without limit when nobody knows, and `on_progress` is told once.

    It never raises: a migration that does not know goes on as one on another server does. What was found holds a few minutes more, so
    that one call that fails lets nobody fill the disk.
    """

    def __init__(self, instance: str, on_progress: OnProgress) -> None:
        self._instance = instance
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._asked_at = -math.inf
        self._first_by = -math.inf
        self._answered = threading.Event()
        self._bytes = math.inf
        self._known_at = -math.inf
        self._told = False

    def __call__(self) -> float:
        with self._lock:
            now = time.monotonic()
            if now - self._asked_at >= EVERY_S:
                if self._asked_at == -math.inf:
                    self._first_by = now + FIRST_ANSWER_S
                self._asked_at = now
                threading.Thread(target=self._ask, daemon=True).start()
        self._answered.wait(max(0.0, self._first_by - now))
        return self._bytes

    def _ask(self) -> None:
        try:
            found, reason = (
                self._least(),
                "CloudWatch has no point of the last minutes; is it the identifier of an instance?",
            )
        except (BotoCoreError, ClientError, ResponseParserError) as error:
            found, reason = None, one_line(error, 300)
        now = time.monotonic()
        if found is not None:
            self._bytes, self._known_at = found, now
        elif now - self._known_at > WINDOW.total_seconds():
            self._bytes = math.inf
        self._answered.set()
        if found is None and not self._told:
            self._told = True
            self._on_progress({"event": "free_storage_unknown", "instance": self._instance, "reason": reason})

    def _least(self) -> float | None:
        """The least of the last minutes, in bytes; None when nothing was reported."""
        # A session of its own: boto3's default one is not for several threads.
        client = boto3.Session().client("cloudwatch", config=PATIENCE)
        now = datetime.now(UTC)
        points = client.get_metric_statistics(
            Namespace="AWS/RDS",
            MetricName="FreeStorageSpace",
            Dimensions=[{"Name": "DBInstanceIdentifier", "Value": self._instance}],
            StartTime=now - WINDOW,
            EndTime=now,
            Period=PERIOD_S,
            Statistics=["Minimum"],
        )["Datapoints"]
        return min((point["Minimum"] for point in points), default=None)
