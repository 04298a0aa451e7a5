"""A change of the security group's description."""

from tools.aws_acceptance.check import Check
from tools.aws_acceptance.checks.template_change import touches_the_service, update

CHECK = Check(
    id="group-description",
    fact="A changed security-group description replaces the group, and CloudFormation then updates the service, whose fragment is the same.",
    sources=(("aws.md", "a security group's description (which replaces the group)"),),
    does="Deploys the same template with another description of the tasks' security group.",
    decides="Confirmed: the service has an event in that update. Refuted: it has none.",
    minutes=12,
    run=lambda stage: touches_the_service(update(stage, change="group-description")),
)
