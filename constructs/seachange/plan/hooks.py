"""Reads the hooks of a deployment: the smoke test, whose steps lie in its function's asset, and those that cannot be rehearsed."""

import json

from seachange.assembly import Assembly, Resource, is_intrinsic
from seachange.plan.errors import PlanError
from seachange.plan.model import Smoke
from seachange_deployments.errors import InvalidInputError
from seachange_deployments.smoke import ANSWER_S
from seachange_deployments.steps import steps_in

SMOKE_EVENT = "AfterAllowTestTraffic"
_SMOKE_HANDLER = "seachange_deployments.hook.handler"


def read_hooks(assembly: Assembly, deployment: Resource) -> tuple[Smoke | None, tuple[str, ...]]:
    """The smoke test, and a label for each other hook of the deployment resource; PlanError for steps that cannot be used."""
    smoke: Smoke | None = None
    others: list[str] = []
    for event, arn in deployment.properties.get("Hooks", {}).items():
        function = assembly.target(arn, of=deployment)
        if event == SMOKE_EVENT and function is not None and function.properties.get("Handler") == _SMOKE_HANDLER:
            smoke = _smoke(assembly, function)
        else:
            others.append(f"{event}: {function.label if function is not None else json.dumps(arn)}")
    return smoke, tuple(others)


def _smoke(assembly: Assembly, function: Resource) -> Smoke:
    try:
        steps = steps_in(assembly.asset(function))
    except InvalidInputError as error:
        raise PlanError(f"{function.label}: {error}") from error
    host = function.properties.get("Environment", {}).get("Variables", {}).get("SMOKE_HOST")
    return Smoke(
        steps=steps,
        host=None if is_intrinsic(host) else host,
        limit_s=float(function.properties.get("Timeout", 3)) - ANSWER_S,
    )
