"""Our reading of how ECS keeps task sets and the load balancer their traffic; not AWS's code.

From the ECS API reference (CreateTaskSet, UpdateServicePrimaryTaskSet, DescribeServices, ListTasks, DescribeTasks) and the
CodeDeploy user guide ("Deployments on an Amazon ECS compute platform"). DescribeServices may answer with the past.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.model.names import CLUSTER, GROUPS, SECURITY_GROUPS, SERVICE, SUBNETS, release_of, when
from tests.model.script import NEVER

if TYPE_CHECKING:
    from tests.model.world import World

STOP_REASON = "Essential container in task exited"
LAST_WORDS = "KeyError: 'DATABASE_URL'"
_EVERY = 60.0  # a crash-looping task set loses a task a minute


@dataclass
class TaskSet:
    """One release's tasks in one target group."""

    id: str
    task_definition: str
    target_group: str
    created: float
    deployment: str = ""
    crashes: bool = False
    running: int = 0
    gone: float | None = None


class Ecs:
    """The service, its task sets, its tasks, and the production listener's weights."""

    def __init__(self, world: "World", task_definition: str) -> None:
        self._world = world
        first = TaskSet("ecs-svc/1", task_definition, GROUPS[0], world.clock.now, running=2)
        self.primary = first
        self.task_sets = [first]
        self.weights = {GROUPS[0]: 100, GROUPS[1]: 0}
        self._past: list[tuple[float, list[dict[str, Any]]]] = []
        self._count = 1
        self._made = 0.0
        self._remember()

    def begin(self, *, after: float, steady_after: float, crashes: bool) -> None:
        """The service is yet to be made: when it will be, and when its first tasks will be steady, if they do not crash."""
        clock, first = self._world.clock, self.primary
        first.running, first.crashes = 0, crashes
        self._made = first.created = clock.now + after
        self._past = []
        self._remember()
        if not crashes and steady_after != NEVER:
            clock.after(after + steady_after, lambda: self.run(first))

    def add(self, task_definition: str, *, deployment: str, crashes: bool) -> TaskSet:
        """A task set in the target group that the PRIMARY one does not use."""
        self._count += 1
        group = next(one for one in GROUPS if one != self.primary.target_group)
        made = TaskSet(f"ecs-svc/{self._count}", task_definition, group, self._world.clock.now, deployment, crashes)
        self.task_sets.append(made)
        self._remember()
        return made

    def run(self, task_set: TaskSet) -> None:
        """Its tasks are healthy."""
        task_set.running = 2
        self._remember()

    def route(self, task_set: TaskSet, weight: int) -> None:
        """Gives a target group its share of the traffic, and the other one the rest."""
        for group in GROUPS:
            self.weights[group] = weight if group == task_set.target_group else 100 - weight
        self._world.broken.traffic_points_at_running_tasks(self)

    def make_primary(self, task_set: TaskSet) -> None:
        """The task set becomes the PRIMARY one."""
        self.primary = task_set
        self._remember()

    def remove(self, task_set: TaskSet) -> None:
        """Ends a task set's tasks."""
        if task_set.gone is None and task_set is not self.primary:
            task_set.gone, task_set.running = self._world.clock.now, 0
            self._remember()
            self._world.broken.traffic_points_at_running_tasks(self)

    def running_in(self, group: str) -> int:
        """How many healthy tasks a target group has."""
        return sum(one.running for one in self.task_sets if one.target_group == group)

    def _remember(self) -> None:
        now = self._world.clock.now
        shown = [
            {
                "id": one.id,
                "status": "PRIMARY" if one is self.primary else "ACTIVE",
                "taskDefinition": one.task_definition,
                "loadBalancers": [{"targetGroupArn": one.target_group, "containerName": "app", "containerPort": 8080}],
                "runningCount": one.running,
                "computedDesiredCount": 2,
                "stabilityStatus": "STEADY_STATE" if one.running else "STABILIZING",
                "createdAt": when(one.created),
                "externalId": one.deployment,
                "networkConfiguration": {
                    "awsvpcConfiguration": {
                        "subnets": list(SUBNETS),
                        "securityGroups": list(SECURITY_GROUPS),
                        "assignPublicIp": "DISABLED",
                    }
                },
                "platformVersion": "1.4.0",
                "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "base": 1, "weight": 2}],
            }
            for one in self.task_sets
            if one.gone is None
        ]
        self._past.append((now, shown))

    # What boto3 answers.

    def describe_services(self, *, cluster: str, services: list[str], **_: Any) -> dict[str, Any]:
        assert (cluster, services[0].rsplit("/", 1)[-1]) == (CLUSTER, SERVICE.rsplit("/", 1)[-1])
        if self._world.clock.now < self._made:
            return {"services": [], "failures": [{"arn": SERVICE, "reason": "MISSING"}]}
        seen = self._world.clock.now - self._world.lag
        shown = next((sets for at, sets in reversed(self._past) if at <= seen), self._past[0][1])
        service = {
            "serviceArn": SERVICE,
            "serviceName": "customers",
            "status": "ACTIVE",
            "createdAt": when(self._made),
            "deploymentController": {"type": "CODE_DEPLOY"},
            "desiredCount": 2,
            "runningCount": sum(one["runningCount"] for one in shown),
            "pendingCount": 0,
            "deployments": [],
            "events": [],
            "taskSets": shown,
        }
        return {"services": [service], "failures": []}

    def list_tasks(self, *, desiredStatus: str = "RUNNING", **_: Any) -> dict[str, Any]:
        return {"taskArns": [task["taskArn"] for task in self._tasks() if task["desiredStatus"] == desiredStatus]}

    def describe_tasks(self, *, tasks: list[str], **_: Any) -> dict[str, Any]:
        return {"tasks": [task for task in self._tasks() if task["taskArn"] in tasks], "failures": []}

    def _tasks(self) -> list[dict[str, Any]]:
        """The running tasks, and those that stopped within the hour for which ECS remembers them."""
        now, tasks = self._world.clock.now, []
        for task_set in self.task_sets:
            tasks += [_task(task_set, f"run{n}", task_set.created + 30) for n in range(task_set.running)]
            if task_set.crashes:
                until = task_set.gone if task_set.gone is not None else now
                deaths = int((until - task_set.created) // _EVERY)
                for n in range(max(0, deaths - 20), deaths):
                    stopped = task_set.created + (n + 1) * _EVERY
                    if now - stopped < 3600:
                        tasks.append(_task(task_set, f"dead{n}", stopped - 40, stopped))
            elif task_set.gone is not None and now - task_set.gone < 3600:
                tasks.append(_task(task_set, "ended", task_set.created + 30, task_set.gone, ended=True))
        return tasks


def _task(
    task_set: TaskSet, name: str, started: float, stopped: float | None = None, *, ended: bool = False
) -> dict[str, Any]:
    identity = f"{task_set.id.rsplit('/', 1)[-1]}{name}"
    task: dict[str, Any] = {
        "taskArn": f"arn:aws:ecs:eu-west-1:123456789012:task/{CLUSTER}/{identity}",
        "taskDefinitionArn": task_set.task_definition,
        "group": "service:customers",
        "startedBy": task_set.id,
        "createdAt": when(started - 20),
        "startedAt": when(started),
        "lastStatus": "STOPPED" if stopped else "RUNNING",
        "desiredStatus": "STOPPED" if stopped else "RUNNING",
        "healthStatus": "UNKNOWN" if stopped else "HEALTHY",
        "containers": [{"name": "app", "lastStatus": "STOPPED" if stopped else "RUNNING"}],
    }
    if stopped and ended:
        reason = f"Scaling activity initiated by deployment {task_set.id}"
        task |= {"stoppedAt": when(stopped), "stopCode": "ServiceSchedulerInitiated", "stoppedReason": reason}
    elif stopped:
        task |= {"stoppedAt": when(stopped), "stopCode": "EssentialContainerExited", "stoppedReason": STOP_REASON}
        task["containers"][0] |= {"exitCode": 1, "reason": f"release {release_of(task_set.task_definition)} exited"}
    return task
