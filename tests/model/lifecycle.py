"""The life of one deployment, step by step: each `yield` is a pause, in seconds."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from tests.model.ecs import STOP_REASON
from tests.model.events import EVENTS

if TYPE_CHECKING:
    from tests.model.codedeploy import CodeDeploy, Deployment
    from tests.model.world import World

_LONGEST_EVENT = 3600.0
_LONGEST_APPROVAL = 7200.0

Life = Generator[float, None, None]


class Lives:
    """What deployments do by themselves; their group ends them."""

    def __init__(self, world: "World", group: "CodeDeploy") -> None:
        self._world, self._group = world, group

    def whole(self, deployment: "Deployment") -> Life:
        yield 3
        deployment.status, deployment.stage = "InProgress", "working"
        if deployment.rolls_back:
            yield from self._return(deployment, deployment.rolls_back)
            return
        if self._group.alarmed(deployment):
            return
        plan, ecs = deployment.plan, self._world.ecs
        for name in EVENTS[:5]:
            deployment.events[name] = ("InProgress", "")
            if name == "Install":
                assert deployment.task_definition
                if self._world.script.left_overs_go and deployment.overrides:  # not a person's own deployment
                    for left_over in [one for one in ecs.task_sets if one is not ecs.primary]:
                        ecs.remove(left_over)
                deployment.replacement = ecs.add(
                    deployment.task_definition, deployment=deployment.id, crashes=plan.crashes
                )
                yield _LONGEST_EVENT if plan.crashes else plan.install
                if plan.crashes:
                    error = ("TIMEOUT", "The replacement task set did not become healthy within 60 minutes.")
                    self._group.failed(deployment, name, error, (STOP_REASON,))
                    return
                ecs.run(deployment.replacement)
            else:
                yield 5
            if self._breaks(deployment, name):
                return
            deployment.events[name] = ("Succeeded", "")
        if plan.approval:
            deployment.status, deployment.stage = "Ready", "ready"
            yield min(plan.approval, _LONGEST_APPROVAL)
            if plan.approval > _LONGEST_APPROVAL:
                error = ("TIMEOUT", "The deployment was not approved in time.")
                self._group.over(deployment, "Stopped", error, ("not approved",), roll_back=True)
                return
        yield from self.shift(deployment)

    def shift(self, deployment: "Deployment") -> Life:
        plan, ecs, green = deployment.plan, self._world.ecs, deployment.replacement
        assert green
        deployment.status, deployment.stage = "InProgress", "working"
        for name in EVENTS[5:]:
            deployment.events[name] = ("InProgress", "")
            if name == "AllowTraffic":
                for pause, weight in plan.steps:
                    yield pause
                    ecs.route(green, weight)
                ecs.make_primary(green)
            else:
                yield 5
            if self._breaks(deployment, name):
                return
            deployment.events[name] = ("Succeeded", "")
        deployment.status, deployment.stage = self._world.script.baking, "baking"
        yield plan.bake
        yield from self.end(deployment)

    def end(self, deployment: "Deployment") -> Life:
        deployment.status, deployment.stage = "InProgress", "ending"
        yield deployment.plan.ending
        for task_set in [one for one in self._world.ecs.task_sets if one is not self._world.ecs.primary]:
            self._world.ecs.remove(task_set)
        self._group.over(deployment, "Succeeded")

    def _return(self, deployment: "Deployment", undone: "Deployment") -> Life:
        """CodeDeploy's own rollback: traffic goes back to the original task set, the replacement one ends."""
        ecs = self._world.ecs
        assert undone.original
        deployment.original, deployment.replacement = undone.replacement, undone.original
        for name in EVENTS[:6]:
            deployment.events[name] = ("Succeeded", "")
        deployment.events["AllowTraffic"] = ("InProgress", "")
        yield undone.plan.rollback
        if undone.plan.rollback_fails:
            self._group.failed(
                deployment, "AllowTraffic", ("INTERNAL_ERROR", "The rollback failed."), ("rollback failed",)
            )
            return
        ecs.route(undone.original, 100)
        ecs.make_primary(undone.original)
        for name in EVENTS[6:]:
            deployment.events[name] = ("Succeeded", "")
        yield 10
        if undone.replacement:
            ecs.remove(undone.replacement)
        self._group.over(deployment, "Succeeded")

    def _breaks(self, deployment: "Deployment", name: str) -> bool:
        plan = deployment.plan
        if plan.hook and plan.hook[0] == name:
            error = ("HOOK_EXECUTION_FAILURE", f"The hook of {name} failed.")
            beginning = plan.hook[1][:30].replace("\\", "\\\\").replace("{", r"\{")
            self._group.failed(deployment, name, error, (name, beginning), message=plan.hook[1])
            return True
        if plan.breaks == name:
            self._group.failed(
                deployment, name, ("ECS_UPDATE_ERROR", f"ECS refused at {name}."), (f"ECS refused at {name}",)
            )
            return True
        return False
