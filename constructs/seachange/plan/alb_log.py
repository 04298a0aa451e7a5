"""One line of an Application Load Balancer's access log, of which only what is asked for is looked at.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html, "Access log entries". AWS adds fields at the end;
lines of every age are read.
"""

import re
from datetime import datetime

_KINDS = frozenset({"http", "https", "h2", "grpcs", "ws", "wss"})
# type time elb client:port target:port request_processing_time target_processing_time response_processing_time elb_status_code target_status_code
# received_bytes sent_bytes, then what may hold spaces of its own: "request" "user_agent" …
_BEFORE_REQUEST = 12
_REQUEST = re.compile(r'"(?P<request>[^"]*)" "')
# … "chosen_cert_arn" matched_rule_priority request_creation_time "actions_executed" …
_CREATION = re.compile(r'" -?\d+ (?P<created>\d{4}-\d\d-\d\dT[\d:.]+Z) "')


def is_alb(line: str) -> bool:
    """Whether a line begins as those of this log do."""
    return line.partition(" ")[0] in _KINDS


class AlbEntry:
    """One line, of which `is_alb` holds; each field is read when it is asked for, and is IndexError or ValueError where the line has none.

    What it knows of clients, their addresses and agents, cannot be asked for.
    """

    __slots__ = ("_fields",)

    def __init__(self, line: str) -> None:
        # The request and all behind it stay one piece.
        self._fields = line.split(" ", _BEFORE_REQUEST)

    @property
    def is_websocket(self) -> bool:
        """Whether it was a whole WebSocket connection."""
        return self._fields[0].startswith("ws")

    @property
    def answered_s(self) -> float:
        """When the load balancer answered, or a WebSocket was closed, in epoch seconds."""
        return _epoch(self._fields[1])

    @property
    def target(self) -> str:
        """Address and port of the target; `-` where none was chosen."""
        return self._fields[4]

    @property
    def target_processing_s(self) -> float:
        """Seconds until the target began to answer, counted in milliseconds; -1 where it did not."""
        return float(self._fields[6])

    @property
    def target_status(self) -> str:
        """The status of the target's answer; `-` without one."""
        return self._fields[9]

    @property
    def request(self) -> str:
        """Method, whole URL with its query, and version; a client that sent no whole request has `-` for what is missing."""
        return self._request()["request"]

    @property
    def created_s(self) -> float | None:
        """When the load balancer got the request, in epoch seconds; None in an old line, which does not say."""
        found = _CREATION.search(self._fields[_BEFORE_REQUEST], self._request().end() - 1)
        return None if found is None else _epoch(found["created"])

    def _request(self) -> re.Match[str]:
        found = _REQUEST.match(self._fields[_BEFORE_REQUEST])
        if found is None:
            raise ValueError("the line has no request")
        return found


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
