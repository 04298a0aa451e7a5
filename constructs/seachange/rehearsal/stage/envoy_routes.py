"""A listener's actions and rules as Envoy's routes.

The first route that matches acts, as the first rule does on an ALB. Patterns become regular expressions of RE2 that match the whole value.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from seachange.plan.model import COLOURS
from seachange.plan.routing import Action, Condition, FixedResponse, Forward, Listener, Redirect

# The cookie with which an ALB keeps a client at its group. Its value there is encrypted; here it is the group's name.
STICKY_COOKIE = "AWSALBTG"
WEIGHTS = "prod"
_CODES = {301: "MOVED_PERMANENTLY", 302: "FOUND"}
_HEADERS = {"host": ":authority", "method": ":method", "path": ":path", "query": ":path"}

Route = dict[str, Any]


def routes(listener: Listener) -> list[Route]:
    """The production listener's routes; the deployment's weights are the runtime's `prod.blue` and `prod.green`."""
    rules = [(rule.conditions, rule.action) for rule in listener.rules]
    return [
        route
        for conditions, action in [*rules, ((), listener.default)]
        for route in _routes([_header(condition) for condition in conditions], action, listener.idle_timeout_s)
    ]


def cluster_route(cluster: Mapping[str, Any], idle_timeout_s: float) -> Route:
    """How a request goes to targets: however long they take, unless no byte comes or goes for the idle timeout."""
    return {**cluster, "timeout": "0s", "idle_timeout": f"{idle_timeout_s:g}s"}


def _routes(headers: Sequence[Mapping[str, Any]], action: Action, idle_timeout_s: float) -> list[Route]:
    match: dict[str, Any] = {"prefix": "/"} | ({"headers": list(headers)} if headers else {})
    match action:
        case Forward(shifts=False):
            return [{"match": match, "direct_response": {"status": 503}}]
        case Forward(sticky_s=sticky_s) if sticky_s is not None:
            return _sticky(match, sticky_s, idle_timeout_s)
        case Forward():
            weighted = {"clusters": [_share(colour) for colour in COLOURS], "runtime_key_prefix": WEIGHTS}
            return [{"match": match, "route": cluster_route({"weighted_clusters": weighted}, idle_timeout_s)}]
        case FixedResponse():
            body = {"body": {"inline_string": action.body}} if action.body else {}
            answer = {"status": action.status} | body
            return [
                {"match": match, "direct_response": answer, **_response_header("content-type", action.content_type)}
            ]
        case Redirect():
            return [{"match": match, "redirect": _redirect(action)}]


def _sticky(match: Mapping[str, Any], sticky_s: float, idle_timeout_s: float) -> list[Route]:
    """A client that brings the cookie goes where that says, whatever the weights; any other gets one."""
    kept = [
        {
            "match": {
                **match,
                "headers": [*match.get("headers", []), _matches("cookie", f"(.*; *)?{STICKY_COOKIE}={colour}(;.*)?")],
            },
            "route": cluster_route({"cluster": colour}, idle_timeout_s),
            **_cookie(colour, sticky_s),
        }
        for colour in COLOURS
    ]
    chosen = [_share(colour) | _cookie(colour, sticky_s) for colour in COLOURS]
    weighted = {"clusters": chosen, "runtime_key_prefix": WEIGHTS}
    return [*kept, {"match": dict(match), "route": cluster_route({"weighted_clusters": weighted}, idle_timeout_s)}]


def _share(colour: str) -> dict[str, Any]:
    return {"name": colour, "weight": 100 if colour == COLOURS[0] else 0}


def _cookie(colour: str, sticky_s: float) -> dict[str, Any]:
    return _response_header(
        "set-cookie", f"{STICKY_COOKIE}={colour}; Max-Age={sticky_s:g}; Path=/", "APPEND_IF_EXISTS_OR_ADD"
    )


def _response_header(name: str, value: str, how: str = "OVERWRITE_IF_EXISTS_OR_ADD") -> dict[str, Any]:
    # Envoy reads a percent sign as the beginning of a command.
    return {
        "response_headers_to_add": [{"header": {"key": name, "value": value.replace("%", "%%")}, "append_action": how}]
    }


def _header(condition: Condition) -> dict[str, Any]:
    """Envoy's matcher of a condition; conditions of a rule must all hold, values of a condition are alternatives."""
    match condition.subject:
        case "path":
            alternatives = "|".join(_pattern(value, ".") for value in condition.values)
            expression = rf"(?:{alternatives})(?:\?.*)?"
        case "query":
            pairs = (
                _pattern(value, "[^&]") if "=" in value else f"(?:[^&=]*=)?{_pattern(value, '[^&]')}"
                for value in condition.values
            )
            expression = rf"(?i)[^?]*\?(?:.*&)?(?:{'|'.join(pairs)})(?:&.*)?"
        case "host":
            expression = rf"(?i)(?:{'|'.join(_pattern(value, '.') for value in condition.values)})(?::\d+)?"
        case "method":
            expression = "|".join(re.escape(value) for value in condition.values)
        case "header":
            expression = f"(?i)(?:{'|'.join(_pattern(value, '.') for value in condition.values)})"
    return _matches(_HEADERS.get(condition.subject, condition.header.lower()), expression)


def _pattern(value: str, any_character: str) -> str:
    r"""A pattern of the ALB's as a regular expression: `*` any text, `?` one character, `\` before either takes it literally."""
    parts = re.findall(r"\\[*?\\]|[*?]|[^*?\\]+|\\", value)
    wild = {"*": f"{any_character}*", "?": any_character}
    return "".join(
        wild.get(part) or re.escape(part[1:] if len(part) == 2 and part[0] == "\\" else part) for part in parts
    )


def _matches(name: str, expression: str) -> dict[str, Any]:
    return {"name": name, "string_match": {"safe_regex": {"regex": expression}}}


def _redirect(action: Redirect) -> dict[str, Any]:
    made: dict[str, Any] = {"response_code": _CODES[action.status]}
    if action.protocol:
        made["scheme_redirect"] = action.protocol
    if action.host:
        made["host_redirect"] = action.host
    if action.port:
        made["port_redirect"] = action.port
    if action.query is not None:
        made["strip_query"] = True
    if action.path is not None and "#{path}" in action.path:
        substitution = action.path.replace("\\", "\\\\").replace("#{path}", "\\1")
        made["regex_rewrite"] = {"pattern": {"regex": "^/(.*)$"}, "substitution": substitution}
    elif action.path is not None:
        made["path_redirect"] = action.path + (f"?{action.query}" if action.query else "")
    return made
