"""A change of nothing but the service's DependsOn."""

from tools.aws_acceptance.check import Check
from tools.aws_acceptance.checks.template_change import touches_the_service, update

CHECK = Check(
    id="depends-on",
    fact="A changed DependsOn of the service is enough for CloudFormation to update it.",
    sources=(("aws.md", "A changed `DependsOn` of the service has been enough"),),
    does="Deploys the same template with one more name in the service's DependsOn.",
    decides="Confirmed: the service has an event in that update. Refuted: it has none.",
    minutes=10,
    run=lambda stage: touches_the_service(update(stage, change="depends-on")),
)
