"""How a Lambda in the VPC reaches an internet-facing load balancer."""

import json

from tools.aws_acceptance.check import Check, Finding, confirmed, refuted, unknown
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.stage import Stage

TEST_PORT = 8080


def run(stage: Stage) -> Finding:
    """Asks the test listener by name and by private address."""
    stage.need(stage.names.plain)
    outputs = LiveService(stage, stage.names.plain).outputs
    host = outputs["Host"]
    description = [{"Name": "description", "Values": [f"ELB {outputs['LoadBalancer']}"]}]
    interfaces = stage.aws.every("ec2.describe_network_interfaces", "NetworkInterfaces", Filters=description)
    if not interfaces:
        return unknown("no network interface of the load balancer was found")

    def probe(address: str) -> dict[str, object]:
        event = json.dumps({"url": f"http://{address}:{TEST_PORT}/", "host": host})
        answer = stage.aws.call("lambda.invoke", FunctionName=outputs["Probe"], Payload=event.encode())["Payload"]
        seen: dict[str, object] = json.loads(answer)
        return seen

    by_name, by_address = probe(host), probe(interfaces[0]["PrivateIpAddress"])
    seen = f"by name: {by_name}; by private address: {by_address}"
    if "status" in by_name:
        return refuted(f"the rule on the Lambda's group let it in by name as well; {seen}")
    if "status" not in by_address:
        return unknown(f"neither way answered; {seen}")
    return confirmed(seen)


CHECK = Check(
    id="lambda-through-nat",
    fact="A Lambda in the VPC that calls an internet-facing load balancer by name leaves through NAT, so a rule for its security "
    "group never matches; the private addresses, with the domain as Host, are the way.",
    sources=(("aws.md", "leaves through NAT"),),
    does="Lets a Lambda's security group into the test listener, and has the Lambda fetch it by name and by private address.",
    decides="Confirmed: no connection by name, an answer by address. Refuted: an answer by name.",
    minutes=2,
    run=run,
)
