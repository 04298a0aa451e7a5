"""What the model does with a deployment resource that works: the sequences of states that AWS documents, told in full."""

import pytest

from seachange_deployments.request import DEADLINE_S
from tests.model.cloudformation import SERVICE_TIMEOUT_S
from tests.model.creation import Creation, create
from tests.model.ecs import LAST_WORDS, STOP_REASON
from tests.model.names import BLUE_ALARM, COMMON_ALARM, GREEN_ALARM, task_definition
from tests.model.provider import TOTAL_TIMEOUT_S
from tests.model.script import CANARY, LINEAR, NEVER, CallFault, Plan, Script, Update
from tests.model.world import World


def run(*updates: Update) -> World:
    world = World(Script(updates=updates)).run()
    assert world.broken.promises == []
    return world


def serving(world: World) -> str:
    """The release behind all of the traffic, and nothing else behind any."""
    assert world.ecs.weights[world.ecs.primary.target_group] == 100
    return world.ecs.primary.task_definition


@pytest.mark.parametrize("steps", [CANARY, LINEAR, ((0.0, 100),)])
def test_two_releases_after_each_other_swap_the_target_groups(steps: tuple[tuple[float, int], ...]) -> None:
    plan = Plan(steps=steps)
    world = run(Update(release=2, plan=plan), Update(release=3, plan=plan))
    assert [one.status for one in world.codedeploy.deployments.values()] == ["Succeeded", "Succeeded"]
    assert world.stack.status == "UPDATE_COMPLETE"
    assert serving(world) == task_definition(3)
    assert world.ecs.primary.target_group.endswith("/blue/1")


def test_an_older_release_is_deployed_again() -> None:
    world = run(Update(release=2), Update(release=1))
    assert serving(world) == task_definition(1)


def test_an_update_without_a_new_release_deploys_nothing() -> None:
    world = run(Update(release=1), Update(release=1, touched=True))
    assert not world.codedeploy.deployments
    assert [one.status for one in world.stack.answered] == ["SUCCESS"]


@pytest.mark.parametrize(
    ("update", "words"),
    [
        (Update(release=2, plan=Plan(crashes=True)), (STOP_REASON, LAST_WORDS)),
        (Update(release=2, plan=Plan(install=2900)), ("45 min",)),
        (Update(release=2, plan=Plan(approval=NEVER)), ("never approved", "45 min")),
        (Update(release=2, plan=Plan(hook=("AfterAllowTestTraffic", "POST gave 500"))), ("POST gave 500",)),
        (Update(release=2, plan=Plan(breaks="Install")), ("ECS refused at Install",)),
        (Update(release=2, plan=Plan(steps=CANARY), alarms=((200, GREEN_ALARM, True),)), (GREEN_ALARM,)),
        (Update(release=2, alarms=((1, COMMON_ALARM, True),)), (COMMON_ALARM, "refused")),
        (Update(release=2, plan=Plan(install=300), people=((100, "stop"),)), ("MANUAL_STOP",)),
        (Update(release=2, people=((0, "start 3"),)), ("d-000000001 of shop:3",)),
        (Update(release=2, faults=(CallFault(nth=5, kind="dies_after"),)), ("Task timed out",)),
    ],
)
def test_a_failure_names_its_cause_and_the_old_release_serves(update: Update, words: tuple[str, ...]) -> None:
    world = run(update)
    assert world.stack.answered[0].status == "FAILED"
    assert [word for word in words if word not in world.stack.answered[0].reason] == []
    assert world.stack.status == "UPDATE_ROLLBACK_COMPLETE"
    if "start 3" not in str(update.people):
        assert serving(world) == task_definition(1)


def test_a_sick_blue_does_not_stop_the_release_that_heals_it() -> None:
    world = run(Update(release=2, alarms=((1, BLUE_ALARM, True),)))
    assert serving(world) == task_definition(2)


def test_an_alarm_in_the_bake_takes_the_release_back_and_no_rollback_brings_it_again() -> None:
    sick = Update(release=2, alarms=((600, GREEN_ALARM, True), (900, GREEN_ALARM, False)), pause=1900)
    world = run(sick, Update(release=3, plan=Plan(breaks="Install")))
    assert world.stack.properties["TaskDefinition"] == task_definition(2)
    assert serving(world) == task_definition(1)


def test_a_healthy_bake_is_ended_for_the_next_release() -> None:
    world = run(Update(release=2, plan=Plan(bake=7200)), Update(release=3))
    first = world.codedeploy.deployments["d-000000001"]
    assert (first.status, serving(world)) == ("Succeeded", task_definition(3))
    assert first.ended is not None
    assert first.ended - first.created < 3600


def test_a_slow_release_that_is_healthy_in_the_end() -> None:
    assert serving(run(Update(release=2, plan=Plan(install=1800, steps=CANARY)))) == task_definition(2)


@pytest.mark.parametrize("when", [0, 50, 150, 400])
def test_a_cancelled_update_leaves_the_old_release(when: float) -> None:
    world = run(Update(release=2, plan=Plan(install=300, steps=CANARY), cancelled=when))
    assert (world.stack.status, serving(world)) == ("UPDATE_ROLLBACK_COMPLETE", task_definition(1))


def test_another_resource_fails_first() -> None:
    world = run(Update(release=2, other_fails=True), Update(release=3))
    assert [one.task_definition for one in world.codedeploy.deployments.values()] == [task_definition(3)]


@pytest.mark.parametrize("kind", ["throttled", "no_route", "lost_answer", "slow", "beside"])
def test_any_call_may_fail_or_be_made_twice(kind: str) -> None:
    for nth in range(25):
        world = run(Update(release=2, twice=2, faults=(CallFault(nth=nth, kind=kind, length=3),)))
        assert serving(world) == task_definition(2)


def test_the_first_tasks() -> None:
    assert create(Creation(steady_after=1500))[1].status == "SUCCESS"
    _, dying = create(Creation(crashes=True))
    assert dying.status == "FAILED"
    assert STOP_REASON in dying.reason
    assert LAST_WORDS in dying.reason
    _, late = create(Creation(steady_after=NEVER))
    assert "45 min" in late.reason


def test_the_deadlines_are_in_order() -> None:
    assert DEADLINE_S < TOTAL_TIMEOUT_S < SERVICE_TIMEOUT_S <= 3600


@pytest.mark.slow
def test_the_model_waits_as_long_as_the_construct_says() -> None:
    from seachange.deployment import functions

    assert functions._TOTAL_TIMEOUT.to_seconds() == TOTAL_TIMEOUT_S
    assert functions.SERVICE_TIMEOUT.to_seconds() == SERVICE_TIMEOUT_S
