"""Destroys a run: its stacks, and what CloudFormation leaves behind."""

from collections.abc import Iterator
from contextlib import contextmanager

from tools.aws_acceptance.leftovers import LEFTOVERS
from tools.aws_acceptance.live import LiveService
from tools.aws_acceptance.settle import at_rest
from tools.aws_acceptance.stage import NotPossibleError, Stage

# The network interfaces of a Lambda in a VPC go some time after the Lambda.
MINUTES = 90


def destroy(stage: Stage) -> list[str]:
    """Destroys what has the run's name. It goes on whatever AWS answers, and returns what is left, a line each."""
    left: list[str] = []
    for run in stage.running:
        if run.poll() is None:
            run.terminate()
            stage.wait(run.poll, minutes=1, every=1)
    for stack in stage.names.all:
        with _going_on(left, stack):
            destroy_stack(stage, stack)
    for leftover in LEFTOVERS:
        with _going_on(left, leftover.kind):
            for name in leftover.find(stage):
                leftover.remove(stage, name)
    for kind, find in (("stack", _stacks), *((leftover.kind, leftover.find) for leftover in LEFTOVERS)):
        with _going_on(left, kind):
            left += [f"{kind} {name}" for name in find(stage)]
    return left


def _stacks(stage: Stage) -> list[str]:
    return [name for name in stage.names.all if stage.describe(name) is not None]


def destroy_stack(stage: Stage, stack: str) -> None:
    """Deletes one stack, after its deployments have been stopped; twice, for the first time may meet something still in use."""
    if stage.describe(stack) is None:
        return
    stage.say(f"destroying {stack}")
    try:
        live = LiveService(stage, stack)
        for deployment in live.deployments():
            live.stop(deployment)
        stage.wait(lambda: None if live.deployments() else True, minutes=20)
    except NotPossibleError:
        pass  # it has not come as far as a service
    if stage.status(stack) == "UPDATE_IN_PROGRESS":
        stage.aws.call("cloudformation.cancel_update_stack", StackName=stack)
    if not stage.status(stack).startswith(("CREATE", "DELETE", "REVIEW")):
        at_rest(stage, stack)
    for _ in range(2):
        stage.aws.call("cloudformation.delete_stack", StackName=stack)

        def look() -> str | None:
            status = stage.status(stack)
            return None if status == "DELETE_IN_PROGRESS" else status or "gone"

        stage.wait(look, minutes=MINUTES, every=20)
        if stage.describe(stack) is None:
            return


@contextmanager
def _going_on(left: list[str], what: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # noqa: BLE001  whatever goes wrong with one thing, the others must go
        left.append(f"{what}: {error!r}")
