"""Sequences that once broke a promise, each as the shortest script of it that was found."""

import pytest

from tests.model.names import BLUE_ALARM, COMMON_ALARM, GREEN_ALARM
from tests.model.script import CANARY, CallFault, Plan, Script, Update
from tests.model.world import World

JSON_LINES = '{"a":"b"}\n' * 400


def run(*updates: Update, **undocumented: bool) -> World:
    world = World(Script(updates=updates, **undocumented)).run()  # type: ignore[arg-type]
    assert world.broken.promises == []
    return world


def test_an_alarm_that_is_ok_again_when_the_failure_is_reported() -> None:
    """AWS does not answer while the alarm fires; afterwards nothing fires any more."""
    alarms = ((98.0, GREEN_ALARM, True), (248.0, GREEN_ALARM, False))
    world = run(Update(release=2, outage=(33, 366), alarms=alarms))
    assert GREEN_ALARM in world.stack.answered[0].reason


def test_the_groups_alarm_stops_a_deployment_that_somebody_started() -> None:
    """Such a deployment carries no alarms of its own; the resource adopted it, for it deploys the wanted release."""
    world = run(Update(release=2, people=((0, "start 2"),), alarms=((24, COMMON_ALARM, True),)))
    assert COMMON_ALARM in world.stack.answered[0].reason
    world = run(
        Update(release=2, plan=Plan(bake=0), people=((2268, "start 3"),), pause=1900),
        Update(release=3, plan=Plan(install=600), alarms=((120, BLUE_ALARM, True),)),
    )
    assert BLUE_ALARM in world.stack.answered[1].reason


@pytest.mark.parametrize("kind", ["throttled", "no_route", "lost_answer"])
def test_the_evidence_is_out_of_reach_for_a_moment(kind: str) -> None:
    """The hook's own message is still there at the next look."""
    plan = Plan(hook=("AfterAllowTraffic", "POST /customers gave 500"))
    for nth in range(60):
        run(Update(release=2, plan=plan, faults=(CallFault(nth=nth, kind=kind, length=3),)))


@pytest.mark.parametrize("kind", ["throttled", "no_route", "lost_answer"])
def test_why_tasks_die_is_known_before_the_deployment_is_stopped(kind: str) -> None:
    """What was read before the stop goes into the message, whatever can be read after it."""
    for nth in range(20, 60):
        run(Update(release=2, plan=Plan(crashes=True), faults=(CallFault(nth=nth, kind=kind, length=9),)))


@pytest.mark.parametrize("lost", range(15, 30))
def test_the_framework_loses_the_answer_that_names_the_deadline(lost: int) -> None:
    """The next poll finds a deployment that was stopped by request: by this very resource, at its deadline."""
    run(Update(release=2, plan=Plan(install=2900), lost_polls=(lost,)))


def test_an_old_event_comes_late() -> None:
    """Nothing is under way any more: it must not undo the release that was deployed meanwhile."""
    world = run(Update(release=1, touched=True, twice=256), Update(release=3))
    assert len(world.codedeploy.deployments) == 1
    world = run(Update(release=2, twice=500), Update(release=3, plan=Plan(bake=7200), pause=7200))
    assert [one.task_definition[-1] for one in world.codedeploy.deployments.values() if one.task_definition] == [
        "2",
        "3",
    ]


@pytest.mark.parametrize("names_rollbacks", [True, False])
def test_ecs_still_shows_the_release_that_was_rolled_back(names_rollbacks: bool) -> None:
    """DescribeServices lags behind CodeDeploy's rollback: what serves again already is not deployed a second time."""
    run(
        Update(release=2, plan=Plan(breaks="AfterAllowTraffic", rollback=60)),
        Update(release=1, touched=True, lag=45),
        names_rollbacks=names_rollbacks,
    )
    alarms = ((1152.0, COMMON_ALARM, True), (2180.0, COMMON_ALARM, False))
    run(Update(release=2, plan=Plan(rollback=2000), alarms=alarms, pause=1900), Update(release=1, lag=45))


def test_somebody_stops_a_deployment_in_the_middle_of_the_shift_without_rollback() -> None:
    """A tenth of the traffic stays on tasks that the next deployment would end."""
    stopped = Update(release=2, plan=Plan(install=20, steps=CANARY), people=((84, "stop and leave"),))
    world = run(stopped, Update(release=3))
    assert "10 %" in world.stack.answered[2].reason


def test_codedeploys_own_rollback_fails_in_the_middle_of_the_shift() -> None:
    plan = Plan(steps=CANARY, rollback_fails=True)
    world = run(Update(release=2, plan=plan, people=((250, "stop"),)), Update(release=3))
    assert "10 %" in world.stack.answered[2].reason


def test_a_message_that_json_makes_longer() -> None:
    """A hook's answer full of quotes and line breaks takes half as much again in CloudFormation's 4096 bytes."""
    world = run(Update(release=2, plan=Plan(hook=("AfterInstall", JSON_LINES))))
    assert "AfterInstall failed" in world.stack.answered[0].reason


def test_aws_does_not_answer_from_the_deadline_on() -> None:
    """The framework's own timeout would name no cause."""
    world = run(Update(release=2, plan=Plan(install=2900), outage=(2395, 900)))
    assert "AWS did not answer" in world.stack.answered[0].reason


def test_a_later_deployment_hides_what_a_stop_left_behind() -> None:
    """The group's last deployment ended before it made any tasks; the one before it left a tenth of the traffic."""
    stopped = Update(
        release=2,
        plan=Plan(install=20, steps=CANARY),
        people=((84, "stop and leave"), (150, "start 3")),
        alarms=((90.0, COMMON_ALARM, True), (160.0, COMMON_ALARM, False)),
        pause=300,
    )
    world = run(stopped, Update(release=4))
    assert "10 %" in world.stack.answered[2].reason


def test_ecs_still_shows_the_release_before_somebody_elses_deployment() -> None:
    """Its AppSpec lies elsewhere, so that only ECS says which release it was, and a while too late."""
    elsewhere = Update(release=1, plan=Plan(install=20, ending=5), people=((273, "start elsewhere 2"),), pause=300)
    run(elsewhere, Update(release=2, lag=45))


@pytest.mark.parametrize("twice", [5, 17, 300])
def test_two_waiters_and_only_one_of_them_stops_the_deployment(twice: float) -> None:
    """The event came twice: the second Lambda sees a deployment that was stopped, and answers before the first."""
    failed = Update(release=2, plan=Plan(breaks="AfterInstall"), pause=5)
    run(failed, Update(release=3, plan=Plan(install=2900), twice=twice), names_rollbacks=False)
