"""A tag that CloudFormation holds on the stack."""

from tools.aws_acceptance.check import Check
from tools.aws_acceptance.checks.template_change import touches_the_service, update

CHECK = Check(
    id="stack-tags",
    fact="A changed tag of the stack itself reaches the service, whose fragment is the same.",
    sources=(("aws.md", "tags that CloudFormation itself holds on the stack"),),
    does="Deploys the same template with `cdk deploy --tags`.",
    decides="Confirmed: the service has an event in that update. Refuted: it has none.",
    minutes=12,
    run=lambda stage: touches_the_service(update(stage, tags={"acceptance": "changed"})),
)
