"""Our reading of CodeDeploy's blue/green deployments on ECS, as a state machine; not AWS's code.

From the CodeDeploy user guide ("Deployments on an Amazon ECS compute platform", "Stop a deployment", "Redeploy and roll
back a deployment", "AppSpec 'hooks' section", "CodeDeploy quotas") and API reference (CreateDeployment, StopDeployment,
ContinueDeployment, DeploymentInfo, ErrorInformation). Where they are silent the script decides, or the model takes the
harder reading: an alarm that fires already stops a deployment at its start; a stopped or failed deployment without
rollback leaves traffic and task sets as they are; CodeDeploy's own rollback has its own id, takes time and may fail.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.model.ecs import LAST_WORDS, TaskSet
from tests.model.events import EVENTS
from tests.model.lifecycle import Life, Lives
from tests.model.script import NEVER, Plan

if TYPE_CHECKING:
    from tests.model.world import World

_ON = {
    "alarm": "DEPLOYMENT_STOP_ON_ALARM",
    "request": "DEPLOYMENT_STOP_ON_REQUEST",
    "failure": "DEPLOYMENT_FAILURE",
}


@dataclass
class Deployment:
    """One deployment; `cause` holds what a message must say, as regular expressions, once it has ended badly."""

    id: str
    task_definition: str | None
    plan: Plan
    created: float
    description: str = ""
    revision: dict[str, object] | None = None
    alarms: tuple[str, ...] = ()
    overrides: dict[str, object] | None = None
    rolls_back_on: frozenset[str] = frozenset()
    rolls_back: "Deployment | None" = None
    rolled_back_by: "Deployment | None" = None
    status: str = "Created"
    events: dict[str, tuple[str, str]] = field(default_factory=lambda: dict.fromkeys(EVENTS, ("Pending", "")))
    error: tuple[str, str] | None = None
    cause: tuple[str, ...] = ()
    ended: float | None = None
    original: TaskSet | None = None
    replacement: TaskSet | None = None
    stage: str = "waiting"  # waiting, working, ready, baking, ending, over
    turn: int = 0

    @property
    def active(self) -> bool:
        return self.status not in ("Succeeded", "Failed", "Stopped")

    @property
    def hidden(self) -> bool:
        """Whether its AppSpec, and so its release, is out of the resource's sight."""
        return not self.revision or self.revision["revisionType"] == "S3"


class CodeDeploy:
    """One deployment group."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._lives = Lives(world, self)
        self.deployments: dict[str, Deployment] = {}
        self.changes = 0

    @property
    def active(self) -> Deployment | None:
        return next((one for one in self.deployments.values() if one.active), None)

    def last_of(self, task_definition: str) -> Deployment | None:
        """The last deployment of a release that was not CodeDeploy's own rollback."""
        mine = [
            one
            for one in self.deployments.values()
            if one.task_definition == task_definition and one.rolls_back is None
        ]
        return mine[-1] if mine else None

    def add(self, deployment: Deployment) -> None:
        """A deployment begins."""
        self.deployments[deployment.id] = deployment
        deployment.original = self._world.ecs.primary
        self._go(deployment, self._lives.whole(deployment))

    def new_id(self) -> str:
        return f"d-{len(self.deployments) + 1:09d}"

    def end_bake(self, deployment: Deployment) -> None:
        """ContinueDeployment(TERMINATION_WAIT)."""
        assert deployment.stage == "baking"
        deployment.turn += 1
        self._go(deployment, self._lives.end(deployment))

    def approve(self, deployment: Deployment) -> None:
        """ContinueDeployment(READY_WAIT)."""
        assert deployment.stage == "ready"
        deployment.turn += 1
        self._go(deployment, self._lives.shift(deployment))

    def alarm_fires(self) -> None:
        """An alarm went into ALARM: stops what it watches, until blue begins to end."""
        active = self.active
        if active and active.stage in ("working", "ready", "baking"):
            self.alarmed(active)

    def stop(self, deployment: Deployment, *, roll_back: bool, cause: tuple[str, ...]) -> bool:
        """StopDeployment; whether it has stopped at once."""
        self.changes += 1
        if deployment.plan.stopping:
            deployment.stage = "ending"  # nothing else ends it now
            turn = deployment.turn = deployment.turn + 1

            def later() -> None:
                if deployment.turn == turn:
                    self._stopped(deployment, roll_back, cause)

            self._world.clock.after(deployment.plan.stopping, later)
            return False
        self._stopped(deployment, roll_back, cause)
        return True

    def _stopped(self, deployment: Deployment, roll_back: bool, cause: tuple[str, ...]) -> None:
        error = ("MANUAL_STOP", "The deployment was stopped by request.")
        self.over(deployment, "Stopped", error, cause or ("(?i)manual",), roll_back=roll_back)

    def alarmed(self, deployment: Deployment) -> bool:
        firing = [cause for name in deployment.alarms for cause in self._world.cloudwatch.behind(name)]
        if firing:
            error = ("ALARM_ACTIVE", "One or more alarms have been activated, and the deployment has been stopped.")
            roll_back = _ON["alarm"] in deployment.rolls_back_on
            self.over(deployment, "Stopped", error, ("|".join(firing),), roll_back=roll_back)  # any of them tells
        return bool(firing)

    def _go(self, deployment: Deployment, life: Life) -> None:
        """Runs a life until its next pause; whoever takes the next turn ends it."""
        self.changes += 1
        turn = deployment.turn
        seconds = next(life, None)
        if seconds is not None and deployment.turn == turn and seconds != NEVER:
            self._world.clock.after(seconds, lambda: self._go(deployment, life) if deployment.turn == turn else None)

    def failed(
        self,
        deployment: Deployment,
        name: str,
        error: tuple[str, str],
        cause: tuple[str, ...],
        message: str = LAST_WORDS,
    ) -> None:
        deployment.events[name] = ("Failed", message)
        roll_back = _ON["failure"] in deployment.rolls_back_on and name != "BeforeInstall"
        self.over(deployment, "Failed", error, cause, roll_back=roll_back)

    def over(
        self,
        deployment: Deployment,
        status: str,
        error: tuple[str, str] | None = None,
        cause: tuple[str, ...] = (),
        *,
        roll_back: bool = False,
    ) -> None:
        deployment.turn += 1
        deployment.status, deployment.stage, deployment.ended = status, "over", self._world.clock.now
        deployment.error, deployment.cause = error, cause
        for name, (state, _) in deployment.events.items():
            if state in ("InProgress", "Pending") and status != "Succeeded":
                deployment.events[name] = ("Skipped" if state == "Pending" else "Unknown", "")
        if roll_back and not deployment.rolls_back and deployment.replacement:
            if deployment.plan.rollback_gap:
                self._world.clock.after(deployment.plan.rollback_gap, lambda: self._roll_back(deployment))
            else:
                self._roll_back(deployment)

    def _roll_back(self, undone: Deployment) -> None:
        if self.active:
            return  # one active deployment at a time: another one was quicker
        assert undone.original
        release = undone.original.task_definition
        known = [one for one in self.deployments.values() if one.task_definition == release and one.revision]
        back = Deployment(
            id=self.new_id(),
            # A release that CodeDeploy never deployed (ECS made the first task set) has no revision to name it.
            task_definition=release if known else None,
            plan=undone.plan,
            created=self._world.clock.now,
            revision=known[-1].revision if known else None,
            rolls_back=undone,
        )
        undone.rolled_back_by = back
        self.add(back)
