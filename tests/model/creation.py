"""The stack's creation, as far as `Custom::SeaChangeFirstTasks` sees it: a service appears, and its first tasks live or die."""

from dataclasses import dataclass

from tests.model import doors
from tests.model.faults import Genes, call_faults
from tests.model.names import CLUSTER
from tests.model.provider import Request
from tests.model.script import NEVER, CallFault, Script, Update
from tests.model.world import World

GENES = 16


@dataclass(frozen=True, kw_only=True)
class Creation:
    """How the first tasks fare; seconds from the resource's start.

    `service_after`: when ECS has the service. `steady_after`: from then until its tasks are healthy. `crashes`: they keep
    dying instead. `fails_after`: when another resource fails, so that the stack goes back.
    """

    service_after: float = 20
    steady_after: float = 90
    crashes: bool = False
    fails_after: float = NEVER
    faults: tuple[CallFault, ...] = ()
    twice: float | None = None
    lost_polls: tuple[int, ...] = ()


def creation(data: bytes) -> Creation:
    """The creation that GENES bytes stand for."""
    genes = Genes(data)
    return Creation(
        service_after=genes.one_of((20, 0, 120, 900)),
        steady_after=genes.one_of((90, 30, 600, 1500, NEVER)),
        crashes=genes.often(30),
        fails_after=genes.seconds(3000) if genes.often(15) else NEVER,
        faults=call_faults(genes),
        twice=genes.seconds(200) if genes.often(15) else None,
        lost_polls=(1 + round(genes.seconds(20)),) if genes.often(15) else (),
    )


def create(creation: Creation) -> tuple[World, Request]:
    """Creates the stack; the answer to the resource's Create, and the world in which it was given."""
    update = Update(release=1, faults=creation.faults, twice=creation.twice, lost_polls=creation.lost_polls)
    world = World(Script(updates=(update,)))
    with doors.opened(world):
        world.stack.status = "CREATE_IN_PROGRESS"
        world.ecs.begin(after=creation.service_after, steady_after=creation.steady_after, crashes=creation.crashes)
        if creation.fails_after != NEVER:
            world.clock.after(creation.fails_after, lambda: world.stack.turn_to("ROLLBACK_IN_PROGRESS"))
        properties = {
            "Cluster": CLUSTER,
            "ServiceName": "customers",
            "ContainerName": "app",
            "LogGroup": "/shop/customers",
            "LogStreamPrefix": "customers",
        }
        request = world.stack.ask_for_first_tasks(properties)
        world.clock.sleep(2 * 3600)
    return world, request
