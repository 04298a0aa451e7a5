"""The service's tasks: as many processes of one release as it wants, kept up as ECS's scheduler does."""

import time

from seachange.rehearsal.stage.envoy import LoadBalancer
from seachange.rehearsal.stage.task import Death, InFront, Launch, Task
from seachange_deployments.tasks import threshold

# How often the targets' health is asked for: an answer describes every target, and costs Envoy some work.
_LOOK_EVERY_S = 0.25
# ECS too starts a task that keeps dying later and later (its service scheduler throttles); here a second suffices to spin no loop.
_THROTTLE_S = 1.0
# The default maximumPercent, 200: so many replacements may run beside the tasks that they replace.
_MOST_OF_WANTED = 2


class TaskSet:
    """Tasks of one release, registered in the target group of one colour.

    A task that ends is replaced. One that fails its health checks after it had passed them serves on until its replacement is healthy
    (https://aws.amazon.com/about-aws/whats-new/2023/10/amazon-ecs-applications-resiliency-unpredictable-load-spikes/).

    Args:
        colour: Its target group.
        launch: Starts a task.
        name: What its tasks are called, beside a number.
        count: How many tasks the release wants.
        balancer: Registers them.
        stop_timeout_s: Seconds between SIGTERM and SIGKILL.
        in_front: Makes what takes a task's requests in its place; nothing by default.
        crash_after_s: Every task is killed so many seconds after its start; never by default.
    """

    def __init__(
        self,
        colour: str,
        launch: Launch,
        *,
        name: str,
        count: int,
        balancer: LoadBalancer,
        stop_timeout_s: float,
        in_front: InFront | None = None,
        crash_after_s: float | None = None,
    ) -> None:
        self.colour = colour
        self.deaths: list[Death] = []
        self._launch = launch
        self._name = name
        self._count = self.wanted = count
        self._balancer = balancer
        self._stop_timeout_s = stop_timeout_s
        self._in_front = in_front
        self._crash_after_s = crash_after_s
        self._tasks: list[Task] = []
        self._sick: list[Task] = []
        self._leaving: list[tuple[Task, float]] = []
        self._started = 0
        self._not_before = 0.0
        self._looked = 0.0

    def start(self) -> None:
        """Starts and registers them; `ready` tells when they all pass the health check."""
        self._fill()
        self._register()

    def ready(self) -> bool:
        """Whether as many tasks as wanted are healthy."""
        hosts = self._balancer.hosts(self.colour)
        return hosts.total == self._count == len(self._tasks) and not hosts.unhealthy

    def keep_dying(self) -> bool:
        """Whether so many have died that ECS's circuit breaker, and the deployment resource, give up."""
        return len(self.deaths) >= threshold(self.wanted) and not self.ready()

    def last_lines(self) -> str:
        """What a task printed last."""
        return self._tasks[0].last_lines() if self._tasks else "no task runs"

    def tend(self, now: float) -> None:
        """Notices, at epoch second `now`, which tasks died or became unhealthy, and replaces them."""
        if self._crash_after_s is not None:
            for task in self._tasks:
                if now - task.started > self._crash_after_s:
                    task.kill()
        lost = {task: death for task in self._tasks if (death := task.death())}
        if now - self._looked > _LOOK_EVERY_S:
            self._looked = now
            lost |= self._outlived(now)
        for task, death in lost.items():
            self.deaths.append(death)
            self._tasks.remove(task)
            self._not_before = now + _THROTTLE_S
        # A sick task that recovered leaves its replacement behind.
        gone = [*lost, *(self._tasks[self._count :] if not self._sick and self._count else [])]
        self._tasks = [task for task in self._tasks if task not in gone]
        self._sick = [task for task in self._sick if task not in gone]
        if self._fill(now) or gone:
            self._register()
        for task in gone:
            self._leaving.append((task, now + self._stop_timeout_s))
            task.leave()
        self._see_off(now)

    def deregister(self) -> None:
        """Takes the tasks out of the target group; the requests under way go on, and nobody is replaced any more."""
        self._count = 0
        self._register()

    def idle(self) -> bool:
        """Whether no request is under way."""
        return self._balancer.active_requests(self.colour) == 0

    def stop(self) -> None:
        """Ends every task: SIGTERM to all, and SIGKILL to those that are still there when the stop timeout is over."""
        deadline = time.monotonic() + self._stop_timeout_s
        for task in self._tasks:
            task.leave()
        for task in [*self._tasks, *(task for task, _ in self._leaving)]:
            task.stop(grace_s=max(0.0, deadline - time.monotonic()))
        self._tasks, self._leaving = [], []

    def _fill(self, now: float | None = None) -> bool:
        """Starts what is missing, a replacement for each sick task among them; whether it started any."""
        if now is not None and now < self._not_before:
            return False
        wanted = min(self._count + len(self._sick), _MOST_OF_WANTED * self._count)
        missing = max(0, wanted - len(self._tasks))
        for _ in range(missing):
            self._started += 1
            self._tasks.append(Task(f"{self._name}-{self._started}", self._launch, self._in_front))
        return missing > 0

    def _register(self) -> None:
        self._balancer.register(self.colour, [task.port for task in self._tasks] if self._count else [])

    def _outlived(self, now: float) -> dict[Task, Death]:
        """The tasks that fail their health checks after they had passed them, as far as healthy ones have come in their place."""
        healthy = self._balancer.health(self.colour)
        for task in self._tasks:
            task.was_healthy |= healthy.get(task.port, False)
        self._sick = [task for task in self._tasks if task.was_healthy and healthy.get(task.port) is False]
        spare = sum(healthy.get(task.port, False) for task in self._tasks) + len(self._sick) - self._count
        return {
            task: Death(name=task.name, at=now, reason="failed the load balancer's health checks")
            for task in self._sick[: max(0, spare)]
        }

    def _see_off(self, now: float) -> None:
        """Ends the tasks that were asked to leave, those whose time is over by force."""
        for task, deadline in [*self._leaving]:
            if task.gone() or now > deadline:
                task.kill()
                task.stop(grace_s=0)
                self._leaving.remove((task, deadline))
