"""What a listener does with a request, as pure data; `listener` reads it from a template."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# What the ALB does unless an attribute says otherwise.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
IDLE_TIMEOUT_S = 60.0

Subject = Literal["path", "host", "header", "method", "query"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a request must be like: one of `values` matches, in which `*` stands for any text and `?` for one character.

    Attributes:
        subject: What is looked at. Paths and methods are compared as they are, everything else whatever its case.
        values: Patterns; of a query as `key=value`, or `value` for any key.
        header: The header's name, when the subject is one.
    """

    subject: Subject
    values: tuple[str, ...]
    header: str = ""


@dataclass(frozen=True, kw_only=True)
class Forward:
    """Sends the request to a target group.

    Attributes:
        groups: `blue` or `green`, or the logical id of a group that is no part of the deployment → its weight.
        sticky_s: How long a client stays with the group that it got first, whatever the weights, in seconds; None when it does not.
    """

    groups: Mapping[str, int]
    sticky_s: float | None = None

    @property
    def shifts(self) -> bool:
        """Whether the deployment moves its weights."""
        return bool({"blue", "green"} & self.groups.keys())


@dataclass(frozen=True, kw_only=True)
class FixedResponse:
    """The load balancer answers by itself."""

    status: int
    content_type: str = "text/plain"
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class Redirect:
    """The load balancer sends the client elsewhere; None keeps that part of the address.

    Attributes:
        path: Begins with `/`; `#{path}` in it stands for the request's path without its first slash.
        query: Without `?`; empty for none.
    """

    status: int
    protocol: str | None = None
    host: str | None = None
    port: int | None = None
    path: str | None = None
    query: str | None = None


Action = Forward | FixedResponse | Redirect


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What a listener does with a request that meets all conditions."""

    priority: int
    conditions: tuple[Condition, ...]
    action: Action


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A listener; by default one that forwards everything to blue, as a load balancer with an ALB's defaults does.

    Attributes:
        port: What it listens on in the template, which targets are told in X-Forwarded-Port; None for wherever it listens here.
        protocol: `http` or `https`, which they are told in X-Forwarded-Proto.
        rules: By priority, the first that matches acts.
        default: What happens to all other requests.
        idle_timeout_s: Seconds without a byte after which a connection closes, or a target that owes an answer is given up (504).
        algorithm: How a group's targets share its requests: `round_robin`, `least_outstanding_requests` or `weighted_random`.
        not_rehearsed: What of it cannot be performed here, a sentence each.
    """

    port: int | None = None
    protocol: str = "http"
    rules: tuple[Rule, ...] = ()
    default: Action = Forward(groups={"blue": 1})
    idle_timeout_s: float = IDLE_TIMEOUT_S
    algorithm: str = "round_robin"
    not_rehearsed: tuple[str, ...] = ()

    @property
    def is_sticky(self) -> bool:
        """Whether some client stays with the target group that its cookie names."""
        actions = (self.default, *(rule.action for rule in self.rules))
        return any(isinstance(action, Forward) and action.sticky_s for action in actions)
