"""Reads the production listener from the template: its default action, its rules, and how the load balancer treats connections.

CodeDeploy moves the weights of every action that forwards to one of the deployment's two target groups (inferred: its managed policy for ECS
lets it modify rules as well as listeners). What a local load balancer cannot do as the ALB does is left out, and told in `not_rehearsed`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seachange.assembly import Assembly, Resource, canonical, intrinsics, referenced
from seachange.plan.routing import IDLE_TIMEOUT_S, Action, Condition, FixedResponse, Forward, Listener, Redirect, Rule


class _UnknownError(Exception):
    """A rule or an action that is left out, and why."""


def read_listener(assembly: Assembly, listener: Resource, colours: Mapping[str, str]) -> Listener:
    """The listener as a local load balancer can perform it.

    Args:
        assembly: The release's.
        listener: The `AWS::ElasticLoadBalancingV2::Listener`.
        colours: Logical id of a target group → `blue` or `green`, as `Shift.colours`.
    """
    properties = listener.properties
    left_out: list[str] = []
    rules = []
    for rule in assembly.of_type("AWS::ElasticLoadBalancingV2::ListenerRule"):
        if rule.stack != listener.stack or referenced(rule.properties.get("ListenerArn")) != listener.logical_id:
            continue
        name = f"listener rule {rule.logical_id} (priority {canonical(rule.properties.get('Priority'))})"
        try:
            rules.append(_rule(rule.properties, colours, name, left_out))
        except _UnknownError as reason:
            left_out.append(f"{name}: {reason}; requests meet the other rules here")
    try:
        default = _action(properties.get("DefaultActions", []), colours, "the listener's default action", left_out)
    except _UnknownError as reason:
        left_out.append(f"the listener's default action: {reason}; it forwards to the two target groups here")
        default = Forward(groups={"blue": 1})
    balancer = assembly.target(properties.get("LoadBalancerArn"), of=listener)
    attributes = _attributes(balancer, "LoadBalancerAttributes")
    groups = [
        group for group in assembly.of_type("AWS::ElasticLoadBalancingV2::TargetGroup") if group.logical_id in colours
    ]
    left_out += _of_balancer(attributes, balancer)
    left_out += [text for group in groups for text in _of_group(group)]
    return Listener(
        port=_integer(properties.get("Port")),
        protocol=str(properties.get("Protocol", "HTTP")).lower(),
        rules=tuple(sorted(rules, key=lambda rule: rule.priority)),
        default=default,
        idle_timeout_s=float(attributes.get("idle_timeout.timeout_seconds", IDLE_TIMEOUT_S)),
        algorithm=next(
            (found for group in groups if (found := _attributes(group, "TargetGroupAttributes").get(_ALGORITHM))),
            "round_robin",
        ),
        not_rehearsed=tuple(dict.fromkeys(left_out)),
    )


_ALGORITHM = "load_balancing.algorithm.type"


def _rule(properties: Mapping[str, Any], colours: Mapping[str, str], name: str, left_out: list[str]) -> Rule:
    if properties.get("Transforms"):
        raise _UnknownError("its transforms rewrite the request")
    return Rule(
        priority=int(_known(properties.get("Priority"), "its priority")),
        conditions=tuple(_condition(condition) for condition in properties.get("Conditions", [])),
        action=_action(properties.get("Actions", []), colours, name, left_out),
    )


def _condition(properties: Mapping[str, Any]) -> Condition:
    field = properties.get("Field")
    config: Mapping[str, Any] = next((value for key, value in properties.items() if key.endswith("Config")), {})
    if field == "source-ip":
        raise _UnknownError("its source-ip condition cannot hold here, where every request comes from this machine")
    if "RegexValues" in config:
        raise _UnknownError(f"its {field} condition is a regular expression")
    values = _known(config.get("Values", properties.get("Values", [])), f"its {field} condition")
    match field:
        case "path-pattern":
            return Condition(subject="path", values=tuple(values))
        case "host-header":
            return Condition(subject="host", values=tuple(values))
        case "http-request-method":
            return Condition(subject="method", values=tuple(values))
        case "http-header":
            return Condition(subject="header", values=tuple(values), header=str(config["HttpHeaderName"]))
        case "query-string":
            pairs = (f"{pair['Key']}={pair['Value']}" if pair.get("Key") else str(pair["Value"]) for pair in values)
            return Condition(subject="query", values=tuple(pairs))
    raise _UnknownError(f"its condition on {field} is not known here")


def _action(actions: Sequence[Mapping[str, Any]], colours: Mapping[str, str], name: str, left_out: list[str]) -> Action:
    """The last of the actions, which answers; those before it are told as left out."""
    *before, last = sorted(actions, key=lambda action: int(action.get("Order", 50_000))) or [{}]
    left_out += [f"{name}: its action {action['Type']}; requests pass without it here" for action in before]
    match last.get("Type"):
        case "forward":
            forward = _forward(last, colours)
            strangers = sorted(forward.groups.keys() - {"blue", "green"})
            if strangers:
                instead = "the deployment's groups get their share" if forward.shifts else "503 is answered"
                left_out.append(
                    f"{name}: it forwards to {', '.join(strangers)}, no part of this deployment; {instead} here"
                )
            return forward
        case "fixed-response":
            config = _known(last["FixedResponseConfig"], "its fixed response")
            return FixedResponse(
                status=int(config["StatusCode"]),
                content_type=config.get("ContentType", "text/plain"),
                body=config.get("MessageBody", ""),
            )
        case "redirect":
            return _redirect(_known(last["RedirectConfig"], "its redirect"))
    raise _UnknownError(f"its action {last.get('Type')} is not performed here")


def _forward(action: Mapping[str, Any], colours: Mapping[str, str]) -> Forward:
    config = action.get("ForwardConfig", {})
    entries = config.get("TargetGroups") or [{"TargetGroupArn": action.get("TargetGroupArn")}]
    groups: dict[str, int] = {}
    for entry in entries:
        arn = entry["TargetGroupArn"]
        logical_id = referenced(arn) or canonical(arn)
        groups[colours.get(logical_id, logical_id)] = int(_known(entry.get("Weight", 1), "its weight"))
    sticky = config.get("TargetGroupStickinessConfig", {})
    return Forward(
        groups=groups, sticky_s=float(sticky.get("DurationSeconds", 3600)) if sticky.get("Enabled") else None
    )


def _redirect(config: Mapping[str, Any]) -> Redirect:
    def part(key: str, unchanged: str) -> str | None:
        found = str(config.get(key, unchanged))
        return None if found == unchanged else found

    host, port, protocol = part("Host", "#{host}"), part("Port", "#{port}"), part("Protocol", "#{protocol}")
    path, query = part("Path", "/#{path}"), part("Query", "#{query}")
    mixed = [
        text for text in (host, port, protocol, query, (path or "").replace("#{path}", "")) if text and "#{" in text
    ]
    if mixed or (query and (path is None or "#{path}" in path)):
        raise _UnknownError(
            f"its redirect to {' '.join(mixed) or query} puts the address together in a way unknown here"
        )
    return Redirect(
        status=int(str(config["StatusCode"]).removeprefix("HTTP_")),
        protocol=protocol.lower() if protocol else None,
        host=host,
        port=int(port) if port else None,
        path=path,
        query=query,
    )


def _of_balancer(attributes: Mapping[str, str], balancer: Resource | None) -> Iterator[str]:
    if balancer is None:
        yield f"the load balancer's attributes: it is not in the template; an idle timeout of {IDLE_TIMEOUT_S:g} s was taken"
    mode = attributes.get("routing.http.xff_header_processing.mode", "append")
    if mode != "append":
        yield f"the load balancer's X-Forwarded-For mode {mode}: addresses are appended here"


def _of_group(group: Resource) -> Iterator[str]:
    attributes = _attributes(group, "TargetGroupAttributes")
    name = f"target group {group.logical_id}"
    if attributes.get("stickiness.enabled") == "true":
        yield f"{name}: sticky targets ({attributes.get('stickiness.type', 'lb_cookie')}); any target of the group gets a request here"
    if float(attributes.get("slow_start.duration_seconds", 0)):
        yield (
            f"{name}: its slow start of {attributes['slow_start.duration_seconds']} s, which a task that replaces another one would get; "
            "the first tasks of a group get none on AWS either"
        )
    if attributes.get("load_balancing.algorithm.anomaly_mitigation") == "on":
        yield f"{name}: anomaly mitigation"
    for key, value in attributes.items():
        if key.startswith("target_group_health.") and value not in ("1", "off"):
            yield f"{name}: {key} = {value}; the group fails open only when no target is healthy here"
    port = str(group.properties.get("HealthCheckPort", "traffic-port"))
    if port != "traffic-port":
        yield f"{name}: its health check asks port {port}; the task's own port is asked here"
    version = group.properties.get("ProtocolVersion", "HTTP1")
    if version != "HTTP1":
        yield f"{name}: protocol version {version}; targets are asked with HTTP/1.1 here"


def _attributes(resource: Resource | None, key: str) -> dict[str, str]:
    """The attributes whose values are known now."""
    found = resource.properties.get(key, []) if resource else []
    return {item["Key"]: str(item["Value"]) for item in found if not isinstance(item["Value"], dict)}


def _known(value: Any, what: str) -> Any:
    unknown = next(intrinsics(value), None)
    if unknown is not None:
        raise _UnknownError(f"{what} is known only on AWS: {canonical(unknown)}")
    return value


def _integer(value: object) -> int | None:
    return int(value) if isinstance(value, int | str) and str(value).isdigit() else None
