"""A failure names its cause, the weightiest first, within what CloudFormation can show."""

import json
from typing import Any

import pytest

from seachange_deployments.errors import (
    LONGEST_FINDING_BYTES,
    LONGEST_MESSAGE_BYTES,
    DeadlinePassedError,
    DeploymentFailedError,
    fitting,
)
from tests.deployments.said import NEW, NOW, OLD, dead_task, lifecycle, when
from tests.deployments.world import World, step

BACK = {"creator": "codeDeployRollback", "rollbackInfo": {"rollbackTriggeringDeploymentId": "d-NEW1"}}
LOGS = {"LogGroup": "/shop", "LogStreamPrefix": "customers"}


def ended(code: str, message: str, **info: Any) -> dict[str, Any]:
    return {"completeTime": when(NOW), "errorInformation": {"code": code, "message": message}, **info}


def failure_of(world: World, **properties: Any) -> str:
    with pytest.raises(DeploymentFailedError) as failure:
        step(world, properties=properties)
    return str(failure.value)


def test_an_alarm_stops_it(world: World) -> None:
    info = ended(
        "ALARM_ACTIVE",
        "One or more alarms have been activated",
        rollbackInfo={"rollbackDeploymentId": "d-BACK1"},
        overrideAlarmConfiguration={"enabled": True, "alarms": [{"name": "green-5xx"}]},
    )
    world.look("d-BACK1", OLD, "InProgress", **BACK).deployment("d-NEW1", NEW, "Stopped", **info)
    world.targets("d-NEW1", lifecycle("AllowTraffic", status="Unknown"))
    world.alarms("green-5xx", firing=("green-5xx",)).dying("d-NEW1").deployment("d-BACK1", OLD, "InProgress", **BACK)
    assert failure_of(world) == (
        "Deployment d-NEW1 of shop:12 stopped after 10 min: ALARM_ACTIVE: One or more alarms have been activated. "
        "Now alarm green-5xx fires (3 of 3 above 0.05). Rolled back by deployment d-BACK1 (InProgress)."
    )


def test_the_composite_never_hides_which_alarm_it_was(world: World) -> None:
    watched = {"enabled": True, "alarms": [{"name": "green-5xx"}, {"name": "common"}]}
    info = ended("ALARM_ACTIVE", "One or more alarms have been activated", overrideAlarmConfiguration=watched)
    world.look("d-NEW1", NEW, "Stopped", **info).targets("d-NEW1", lifecycle("AllowTraffic", status="Unknown"))
    world.alarms("cpu", "database", "green-5xx", firing=("cpu",)).dying("d-NEW1")
    assert "Now alarm cpu fires" in failure_of(world, CommonAlarms=["database", "cpu"], CommonComposite="common")


def test_an_alarm_that_is_ok_again_is_among_those_that_are_named(world: World) -> None:
    info = ended("ALARM_ACTIVE", "One or more alarms have been activated")  # the group's alarms watched it
    world.look("d-NEW1", NEW, "Stopped", **info).targets("d-NEW1", lifecycle("AllowTraffic", status="Unknown"))
    names = ("blue-5xx", "blue-p99", "green-5xx", "green-p99", "database")
    world.alarms(*names).dying("d-NEW1")
    assert failure_of(world).endswith(f"By now none of the alarms that watched it fires ({', '.join(names)}).")


def test_throttled_evidence_is_read_again_until_the_deadline(world: World) -> None:
    for late in (False, True):
        world.look("d-NEW1", NEW, "Failed", **ended("TIMEOUT", "too long"))
        world.fails("codedeploy", "list_deployment_targets", "ThrottlingException", "Rate exceeded")
        if late:
            world.dying("d-NEW1")
        else:
            assert step(world) is None
    with pytest.raises(DeploymentFailedError, match=r"TIMEOUT: too long\. The lifecycle events could not be read"):
        step(world, late=True)


def test_a_person_stops_it(world: World) -> None:
    info = ended("MANUAL_STOP", "The deployment was stopped by a user")
    world.look("d-NEW1", NEW, "Stopped", **info).targets("d-NEW1", lifecycle("AllowTraffic")).dying("d-NEW1")
    assert failure_of(world) == (
        "Deployment d-NEW1 of shop:12 stopped after 10 min: MANUAL_STOP: The deployment was stopped by a user."
    )


def test_a_rollback_that_fails_too_is_said_with_what_to_look_at(world: World) -> None:
    info = ended("TIMEOUT", "too long", rollbackInfo={"rollbackDeploymentId": "d-BACK1"})
    back = {**BACK, "errorInformation": {"code": "ECS_UPDATE_ERROR", "message": "no capacity"}}
    world.look("d-BACK1", OLD, "Failed", **back).deployment("d-NEW1", NEW, "Failed", **info)
    world.targets("d-NEW1", lifecycle("Install", status="Failed")).dying("d-NEW1")
    world.deployment("d-BACK1", OLD, "Failed", **back)
    assert failure_of(world).endswith(
        "Install failed: no message. Its rollback d-BACK1 of shop:1 failed too: ECS_UPDATE_ERROR: no capacity. "
        "Look at the listener's target groups and at the task sets."
    )


def test_a_failed_hook_is_named_even_if_other_evidence_cannot_be_read(world: World) -> None:
    info = ended("HOOK_EXECUTION_FAILURE", "The hook failed")
    world.look("d-NEW1", NEW, "Failed", **info)
    world.targets("d-NEW1", lifecycle("AfterAllowTestTraffic", status="Failed", problem="POST /customers gave 500"))
    world.fails("ecs", "describe_services", "AccessDeniedException", "not allowed")
    message = failure_of(world)
    assert "AfterAllowTestTraffic failed: POST /customers gave 500" in message
    assert "The stopped tasks could not be read" in message


def test_the_failed_hooks_own_log_says_which_step(world: World) -> None:
    world.look(
        "d-NEW1", NEW, "Failed", createTime=when(NOW - 600), **ended("HOOK_EXECUTION_FAILURE", "The hook failed")
    )
    world.targets("d-NEW1", lifecycle("AfterAllowTestTraffic", status="Failed")).dying("d-NEW1")
    request = {"logGroupName": "/hook", "filterPattern": '"d-NEW1"', "startTime": int(NOW - 600) * 1000}
    line = "Smoke test of deployment d-NEW1 failed: step 'create' gave status 500"
    world.answers("logs", "filter_log_events", request, {"events": [{"timestamp": 1, "message": line}]})
    logs = {"AfterAllowTestTraffic": "/hook", "BeforeAllowTraffic": "/other"}
    assert "step 'create' gave status 500" in failure_of(world, HookLogs=logs)


def test_a_hooks_log_that_cannot_be_read_hides_no_failed_event(world: World) -> None:
    world.look("d-NEW1", NEW, "Failed", **ended("HOOK_EXECUTION_FAILURE", "The hook failed"))
    world.targets("d-NEW1", lifecycle("AfterAllowTestTraffic", status="Failed", problem="step 3")).dying("d-NEW1")
    world.fails("logs", "filter_log_events", "AccessDeniedException", "not allowed")
    message = failure_of(world, HookLogs={"AfterAllowTestTraffic": "/hook"})
    assert "AfterAllowTestTraffic failed: step 3. The hooks' logs could not be read" in message


def test_a_deadline_says_how_tasks_died_and_what_they_logged(world: World) -> None:
    first, second = dead_task(1), dead_task(2)
    scaled_in = dead_task(3, code="ServiceSchedulerInitiated", stoppedReason="Scaling activity initiated by deployment")
    world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("Install"), scaled_in, first, second)
    world.stops("d-NEW1").targets("d-NEW1", lifecycle("Install")).dying("d-NEW1", scaled_in, first, second)
    world.logged(second, "Traceback:\n  boom", "ValueError: no DSN").logged(first)
    with pytest.raises(DeadlinePassedError) as failure:
        step(world, late=True, properties=LOGS)
    assert str(failure.value) == (
        "Deployment d-NEW1 of shop:12 had not shifted traffic after 45 min and was stopped with rollback. "
        "2 tasks died: Essential container in task exited; container app: OutOfMemoryError: Container killed, exit code "
        f"137. Task {second['taskArn'].rsplit('/', 1)[-1]} logged last: Traceback: boom | ValueError: no DSN."
    )


def test_logs_that_cannot_be_read_are_said_last(world: World) -> None:
    world.look("d-NEW1", NEW, "Failed", **ended("TIMEOUT", "too long"))
    world.targets("d-NEW1", lifecycle("Install", status="Failed")).dying("d-NEW1", dead_task(1))
    world.fails("logs", "get_log_events", "AccessDeniedException", "not allowed")
    message = failure_of(world, **LOGS)
    assert message.index("1 task died") < message.index("The tasks' logs could not be read")


def test_a_deployment_that_ends_while_it_is_stopped_is_judged_by_how_it_ended(world: World) -> None:
    world.look("d-NEW1", NEW, "InProgress").shifting("d-NEW1", lifecycle("AllowTraffic"))
    world.fails("codedeploy", "stop_deployment", "DeploymentAlreadyCompletedException")
    assert step(world, late=True) is None
    info = {"completeTime": when(NOW), "description": "SeaChange: shop:12, request request-1"}
    world.look("d-NEW1", NEW, "Succeeded", **info).service(NEW)
    assert step(world, late=True) == {"DeploymentId": "d-NEW1"}


def test_the_message_fits_cloudformation(world: World) -> None:
    world.look("d-NEW1", NEW, "Failed", **ended("INTERNAL_ERROR", "ü" * 4000))
    world.targets("d-NEW1", lifecycle("Install")).dying("d-NEW1")
    assert 2900 < len(failure_of(world).encode()) < 3100


def test_it_fits_as_json_too_where_quotes_take_two_bytes() -> None:
    for text in ('"' * 4000, "\n" * 4000, "ü\\" * 4000, "x" * 3001, "\ud800" * 4000):
        fitted = fitting(text, LONGEST_MESSAGE_BYTES)
        assert len(json.dumps(fitted, ensure_ascii=False).encode(errors="replace")) - 2 <= LONGEST_MESSAGE_BYTES
        assert fitted.endswith(" … (cut)")
    assert fitting("x" * 3000, LONGEST_MESSAGE_BYTES) == "x" * 3000


def test_a_long_log_line_does_not_push_the_cause_out(world: World) -> None:
    tasks = [
        dead_task(number, stoppedReason=f"{number} CannotPullContainerError: " + "y" * 2000) for number in (1, 2, 3)
    ]
    world.look("d-NEW1", NEW, "Failed", **ended("TIMEOUT", "too long"))
    world.targets("d-NEW1", lifecycle("Install", status="Failed", problem="z" * 5000)).dying("d-NEW1", *tasks)
    world.logged(tasks[2], *["w" * 9000] * 5).logged(tasks[1], "the last line")
    message = failure_of(world, **LOGS)
    for cause in ("TIMEOUT: too long", "Install failed: zzz", "1 task died: 3 Cannot", "1 task died: 1 Cannot"):
        assert cause in message
    assert len(json.dumps(message, ensure_ascii=False).encode()) < LONGEST_MESSAGE_BYTES + 100
    assert max(len(part.encode()) for part in message.split(". ")) <= LONGEST_FINDING_BYTES
