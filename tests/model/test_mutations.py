"""The model can fail: without one of its protections, the engine breaks a promise within a few random sequences."""

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from seachange_deployments import beside, deploy, errors, evidence, guards, patience, reconcile
from seachange_deployments.guards import Serving
from seachange_deployments.release import Release
from tests.model.cloudformation import Stack
from tests.model.faults import LENGTH, script
from tests.model.names import when
from tests.model.provider import Waiter
from tests.model.script import CallFault, Plan, Script, Update
from tests.model.world import World

_EXAMPLES = 2000


def first_broken(promise: str) -> str | None:
    """The first of some random sequences that breaks this promise, None if none does."""
    found: list[str] = []

    @seed(5)
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.binary(min_size=LENGTH, max_size=LENGTH))
    def search(data: bytes) -> None:
        if not found:
            broken = World(script(data)).run().broken.promises
            found.extend(one for one in broken if one.startswith(promise))

    search()
    return found[0] if found else None


def without_the_deadline(patch: pytest.MonkeyPatch) -> None:
    """The framework's own timeout comes first."""
    patch.setattr(reconcile, "DEADLINE_S", 10**6)
    patch.setattr(patience, "GIVE_UP_S", 10**6)


def without_knowing_of_the_stacks_rollback(patch: pytest.MonkeyPatch) -> None:
    """It takes the rollback's Update for a deployment like any other."""
    answer = {"Stacks": [{"StackName": "shop", "CreationTime": when(0), "StackStatus": "UPDATE_IN_PROGRESS"}]}
    patch.setattr(Stack, "describe_stacks", lambda *_, **__: answer)


def without_adoption(patch: pytest.MonkeyPatch) -> None:
    """It takes the wanted release's deployment for another release's."""
    patch.setattr(beside, "watch", lambda *given, **_: _refuse(given[2]))


def _refuse(active: Any) -> bool:
    raise errors.AnotherDeploymentError(*beside._unfinished(active))


def without_seeing_what_serves(patch: pytest.MonkeyPatch) -> None:
    """It deploys even what serves already."""
    serving: Callable[..., Serving] = guards.serving

    def another(*given: Any) -> Serving:
        return dataclasses.replace(serving(*given), release=Release(task_definition="shop:0"))

    patch.setattr(guards, "serving", another)


def without_evidence(patch: pytest.MonkeyPatch) -> None:
    """It says what CodeDeploy says, and no more."""
    patch.setattr(reconcile, "evidence", lambda *_, **__: [])


def without_cutting_its_messages(patch: pytest.MonkeyPatch) -> None:
    """A hook's whole answer goes to CloudFormation."""
    patch.setattr(errors, "fitting", lambda text, _: text)


def without_patience(patch: pytest.MonkeyPatch) -> None:
    """A throttled call fails the resource."""
    patch.setattr(patience, "is_passing", lambda _: False)


def without_looking_for_traffic_left_behind(patch: pytest.MonkeyPatch) -> None:
    """It deploys into a target group that still gets traffic."""
    patch.setattr(guards, "no_traffic_is_left", lambda *_, **__: None)


def without_asking_whether_the_update_is_over(patch: pytest.MonkeyPatch) -> None:
    """It follows an event that comes twice, the second time late."""
    without_knowing_of_the_stacks_rollback(patch)


def without_rollback_when_it_stops(patch: pytest.MonkeyPatch) -> None:
    """It stops a deployment in the middle of the shift, and deploys over what is left."""
    without_looking_for_traffic_left_behind(patch)
    stop = deploy.roll_back

    def leave(clients: Any, deployment: Any) -> Any:
        client = clients.codedeploy
        plain = SimpleNamespace(
            stop_deployment=lambda **request: client.stop_deployment(**request | {"autoRollbackEnabled": False}),
            exceptions=client.exceptions,
        )
        without: Any = SimpleNamespace(codedeploy=plain)
        return stop(without, deployment)

    patch.setattr(deploy, "roll_back", leave)


@pytest.mark.parametrize(
    ("mutate", "promise"),
    [
        (without_the_deadline, "failure_names_its_cause"),
        (without_knowing_of_the_stacks_rollback, "stack_is_not_stuck"),
        (without_knowing_of_the_stacks_rollback, "rollback_succeeds"),
        (without_knowing_of_the_stacks_rollback, "no_failed_release_by_rollback"),
        (without_adoption, "failure_names_its_cause"),
        (without_seeing_what_serves, "no_second_deployment"),
        (without_evidence, "failure_names_its_cause"),
        (without_cutting_its_messages, "reply_fits"),
        (without_patience, "stack_is_not_stuck"),
        (without_looking_for_traffic_left_behind, "traffic_points_at_running_tasks"),
        (without_rollback_when_it_stops, "traffic_points_at_running_tasks"),
        (without_asking_whether_the_update_is_over, "acts_for_the_living"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
@pytest.mark.slow
def test_the_model_finds_the_engine_wanting(
    mutate: Callable[[pytest.MonkeyPatch], None], promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutate(monkeypatch)
    assert first_broken(promise)


def test_without_a_second_look_at_the_evidence_a_throttled_call_hides_the_cause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Found by trying every call in turn: a fault must meet the one look at which the evidence is gathered."""
    monkeypatch.setattr(evidence, "is_passing", lambda _: False)
    plan = Plan(hook=("AfterAllowTraffic", "POST /customers gave 500"))
    updates = [Update(release=2, plan=plan, faults=(CallFault(nth=nth, kind="throttled"),)) for nth in range(60)]
    broken = [one for update in updates for one in World(Script(updates=(update,))).run().broken.promises]
    assert broken
    assert all(one.startswith("failure_names_its_cause") for one in broken)


def test_a_resource_that_never_answers_ends_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one promise that no random sequence of a whole engine can break: the framework always answers first."""
    monkeypatch.setattr(Waiter, "_attempt", lambda _: None)
    world = World(Script(updates=(Update(release=2),))).run()
    assert {one.split(":")[0] for one in world.broken.promises} >= {"ends_in_time", "stack_is_not_stuck"}
