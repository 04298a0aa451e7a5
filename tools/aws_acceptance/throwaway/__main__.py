"""`cdk deploy --app "python -m tools.aws_acceptance.throwaway" -c name=NAME [-c release=v1|v2] [-c change=CHANGE]`."""

import aws_cdk as cdk

from tools.aws_acceptance.names import Names
from tools.aws_acceptance.throwaway.database import DatabaseStack
from tools.aws_acceptance.throwaway.first import FirstStack
from tools.aws_acceptance.throwaway.plain import PlainStack


def make(app: cdk.App) -> None:
    """All three stacks; none has an image to build."""
    names = Names.of(app.node.get_context("name"))
    release = app.node.try_get_context("release") or "v1"
    PlainStack(app, names.plain, release=release, change=app.node.try_get_context("change"))
    DatabaseStack(app, names.database, network=names.plain, release=release)
    FirstStack(app, names.first, network=names.plain)


if __name__ == "__main__":
    made = cdk.App()
    make(made)
    made.synth()
