"""The AppSpec: written as CodeDeploy wants it, read whoever wrote it."""

import json

import pytest

from seachange_deployments.app_spec import app_spec, release_in
from seachange_deployments.errors import AnotherDeploymentError
from seachange_deployments.release import wanted
from tests.deployments import said
from tests.deployments.said import NEW, PROPERTIES, RUNS, RUNS_SPEC, SHIFTED, lifecycle
from tests.deployments.world import World, step

HOOKS = {"AfterAllowTraffic": "arn:aws:lambda:eu-west-1:123456789012:function:after", "BeforeInstall": "arn:before"}


def test_the_app_spec_has_the_documented_casing() -> None:
    assert app_spec(PROPERTIES) == said.app_spec(NEW)
    assert json.loads(app_spec(PROPERTIES))["version"] == 0.0


def test_network_platform_capacity_and_hooks_travel_in_it() -> None:
    hooks = ',"Hooks":[{"BeforeInstall":"arn:before"},{"AfterAllowTraffic":"' + HOOKS["AfterAllowTraffic"] + '"}]'
    assert app_spec({**PROPERTIES, **RUNS, "Hooks": HOOKS}) == said.app_spec(NEW, RUNS_SPEC, hooks)


def test_what_was_written_is_read_back() -> None:
    for properties in (PROPERTIES, {**PROPERTIES, **RUNS, "Hooks": HOOKS}):
        assert wanted(properties).differences(release_in(app_spec(properties))) == []


@pytest.mark.parametrize("content", ["", "[]", '{"Resources": []}', '{"Resources": [{"TargetService": 1}]}', "a: b"])
def test_one_that_says_nothing_is_no_release(content: str) -> None:
    assert wanted(PROPERTIES).differences(release_in(content)) == ["task definition"]


def test_one_that_leaves_the_network_out_differs_from_a_release_that_states_it() -> None:
    assert wanted({**PROPERTIES, **RUNS}).differences(release_in(app_spec(PROPERTIES))) == [
        "subnets",
        "security groups",
        "public ip",
        "platform",
        "capacity",
    ]


def test_an_app_spec_that_lies_elsewhere_counts_as_another_release(world: World) -> None:
    info = {
        "applicationName": "shop",
        "status": "InProgress",
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "specs", "key": "a.yaml", "bundleType": "YAML"}},
    }
    world.stack().group("d-OTHER1")
    world.answers("codedeploy", "get_deployment", {"deploymentId": "d-OTHER1"}, {"deploymentInfo": info})
    world.targets("d-OTHER1", lifecycle("Install"))
    with pytest.raises(AnotherDeploymentError, match="d-OTHER1 of a release that its AppSpec does not name"):
        step(world)


def test_an_app_spec_in_yaml_is_read_too(world: World) -> None:
    revision = {"revisionType": "AppSpecContent", "appSpecContent": {"sha256": "5e6f"}}
    info = {"applicationName": "shop", "status": "InProgress", "revision": revision}
    content = f'Resources:\n  - TargetService:\n      Properties:\n        TaskDefinition: "{NEW}"\n'
    world.stack().group("d-HAND1")
    world.answers("codedeploy", "get_deployment", {"deploymentId": "d-HAND1"}, {"deploymentInfo": info})
    answer = {"revision": {"revisionType": "AppSpecContent", "appSpecContent": {"content": content}}}
    world.answers(
        "codedeploy", "get_application_revision", {"applicationName": "shop", "revision": revision}, answer
    ).targets("d-HAND1", SHIFTED)
    assert step(world) == {"DeploymentId": "d-HAND1"}
