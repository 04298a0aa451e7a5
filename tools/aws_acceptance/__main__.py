"""`make aws-acceptance [ARGS="--dry-run"]`. Exit code 0: all confirmed; 1: something is not, or something is left; 2: not begun."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from tools.aws_acceptance.announce import announcement
from tools.aws_acceptance.aws import Aws, connect
from tools.aws_acceptance.cdk import ROOT, CommandLine
from tools.aws_acceptance.check import Check
from tools.aws_acceptance.checks import CHECKS
from tools.aws_acceptance.clock import WallClock
from tools.aws_acceptance.consent import RefusedError, ask
from tools.aws_acceptance.dry import rehearse
from tools.aws_acceptance.evidence import Evidence
from tools.aws_acceptance.names import Names
from tools.aws_acceptance.run import run
from tools.aws_acceptance.stage import Stage

BOOTSTRAP = "/cdk-bootstrap/hnb659fds/version"


def main(arguments: Sequence[str] | None = None) -> int:
    """The program."""
    options = _options(arguments)
    try:
        checks = _chosen(options.only)
        if options.dry_run:
            return rehearse(checks, options.output)
        return _on_aws(options, checks)
    except (RefusedError, ValueError) as error:
        print(f"aws-acceptance: {error}", file=sys.stderr)
    except (ClientError, BotoCoreError) as error:
        print(f"aws-acceptance: AWS cannot be used: {error}; see `aws sts get-caller-identity`", file=sys.stderr)
    return 2


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make aws-acceptance ARGS=…", description=__doc__)
    parser.add_argument(
        "--dry-run", action="store_true", help="walk through it with scripted answers; no AWS, no network"
    )
    parser.add_argument("--only", metavar="ID", action="append", help="this check alone; may be given again")
    parser.add_argument("--yes", action="store_true", help="agree without being asked; needs --account")
    parser.add_argument("--account", metavar="NUMBER", help="the account that must be used")
    parser.add_argument("--destroy", metavar="NAME", help="destroy what an earlier run of that name has left")
    parser.add_argument("--output", type=Path, default=ROOT / "build/aws-acceptance", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def _chosen(ids: Sequence[str] | None) -> list[Check]:
    known = {check.id: check for check in CHECKS}
    for unknown in sorted({*(ids or known)} - {*known}):
        raise ValueError(f"--only {unknown}: there is no such check; these are: {', '.join(known)}")
    return [check for check in CHECKS if ids is None or check.id in ids]


def _on_aws(options: argparse.Namespace, checks: Sequence[Check]) -> int:
    aws, region = connect(None)
    account = aws.call("sts.get_caller_identity")["Account"]
    names = Names.new() if options.destroy is None else Names.of(options.destroy)
    clock = WallClock()
    started = clock.now()
    if options.destroy is None:
        _demand_bootstrap(aws, region)
        print(announcement(names, account, region, checks))
    else:
        print(f"This will destroy everything named {names.plain} in account {account}, {region}.")
    ask(names.plain, account, yes=options.yes, given_account=options.account, read=input)
    folder = options.output / f"{started:%Y%m%dT%H%M%SZ}"
    evidence = Evidence(folder, {"name": names.plain, "region": region, "started": started}, account)
    aws.record = lambda call, request, answer: evidence.call(clock.now(), call, request, answer)
    stage = Stage(names=names, aws=aws, cdk=CommandLine(folder, region), clock=clock, say=_say)
    if options.destroy is not None:
        return run(stage, [], evidence)
    print(f"evidence: {folder}")
    return run(stage, checks, evidence)


def _demand_bootstrap(aws: Aws, region: str) -> None:
    try:
        aws.call("ssm.get_parameter", Name=BOOTSTRAP)
    except ClientError as error:
        if error.response["Error"].get("Code") != "ParameterNotFound":
            raise
        raise RefusedError(f"the CDK is not bootstrapped in {region}: run `cdk bootstrap` there first") from None


def _say(text: str) -> None:
    print(f"{WallClock().now():%H:%M:%S} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
