"""`image_by_digest` and `refuse_latest`."""

from collections.abc import Callable
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs

from seachange import InvalidArgumentError
from seachange.images import image_by_digest, refuse_latest
from tests.constructs.apps import new_stack, only, resources

DIGEST = "sha256:" + "0a" * 32
ARGUMENT = "BlueGreenService(image=)"
Image = Callable[[cdk.Stack], ecs.ContainerImage]


def container(stack: cdk.Stack, image: ecs.ContainerImage) -> ecs.ContainerDefinition:
    return ecs.FargateTaskDefinition(stack, "Task").add_container("app", image=image)


def repository(stack: cdk.Stack) -> ecr.IRepository:
    return ecr.Repository.from_repository_name(stack, "Repository", "team/orders")


def parameter(stack: cdk.Stack) -> str:
    return cdk.CfnParameter(stack, "Given").value_as_string


def named(name: str) -> Image:
    return lambda _: ecs.ContainerImage.from_registry(name)


def in_ecr(tag: str) -> Image:
    return lambda stack: ecs.ContainerImage.from_ecr_repository(repository(stack), tag)


ALLOWED: dict[str, Image] = {
    "tag": named("example.com/orders:1"),
    "tag, registry with a port": named("localhost:5000/orders:1"),
    "digest": named(f"example.com/orders@{DIGEST}"),
    "latest, pinned by its digest": named(f"example.com/orders:latest@{DIGEST}"),
    "tag in ECR": in_ecr("2024-11-01"),
    "digest in ECR": lambda stack: image_by_digest(repository(stack), DIGEST),
    "tag known at deployment": lambda stack: ecs.ContainerImage.from_ecr_repository(
        repository(stack), parameter(stack)
    ),
    "name known at deployment": lambda stack: ecs.ContainerImage.from_registry(parameter(stack)),
    "tag ends with what is known": lambda stack: ecs.ContainerImage.from_registry(f"{parameter(stack)}-arm64"),
}
REFUSED: dict[str, Image] = {
    "latest": named("example.com/orders:latest"),
    "untagged": named("example.com/orders"),
    "untagged, registry with a port": named("localhost:5000/orders"),
    "a bare name": named("nginx"),
    "latest in ECR": in_ecr("latest"),
    "no tag in ECR": lambda stack: ecs.ContainerImage.from_ecr_repository(repository(stack)),
    "latest, registry known at deployment": lambda stack: ecs.ContainerImage.from_registry(
        f"{parameter(stack)}:latest"
    ),
    "untagged, registry known at deployment": lambda stack: ecs.ContainerImage.from_registry(
        f"{parameter(stack)}/orders"
    ),
}


@pytest.mark.parametrize("image", ALLOWED.values(), ids=ALLOWED)
def test_allowed(image: Image) -> None:
    stack = new_stack()
    refuse_latest(container(stack, image(stack)), ARGUMENT)


def test_an_asset_is_tagged_with_its_hash(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n", "utf-8")
    stack = new_stack()
    refuse_latest(container(stack, ecs.ContainerImage.from_asset(str(tmp_path))), ARGUMENT)


@pytest.mark.parametrize("image", REFUSED.values(), ids=REFUSED)
def test_refused(image: Image) -> None:
    stack = new_stack()
    with pytest.raises(InvalidArgumentError, match="image_by_digest") as refused:
        refuse_latest(container(stack, image(stack)), ARGUMENT)
    assert refused.value.argument == ARGUMENT
    assert "Token[" not in str(refused.value)


def test_an_image_by_digest_may_be_pulled() -> None:
    stack = new_stack()
    container(stack, image_by_digest(repository(stack), DIGEST))
    found = resources(stack)
    _, task = only(found, "AWS::ECS::TaskDefinition")
    name = task["Properties"]["ContainerDefinitions"][0]["Image"]
    assert name["Fn::Join"][1][-1] == f"/team/orders@{DIGEST}"
    _, policy = only(found, "AWS::IAM::Policy")
    assert "ecr:BatchGetImage" in str(policy["Properties"]["PolicyDocument"])


def test_a_digest_may_be_known_at_deployment() -> None:
    stack = new_stack()
    image = image_by_digest(repository(stack), f"sha256:{parameter(stack)}")
    name = stack.resolve(container(stack, image).image_name)
    assert name["Fn::Join"][1][-2:] == ["/team/orders@sha256:", {"Ref": "Given"}]


@pytest.mark.parametrize("digest", ["latest", "sha256:", "sha256:" + "0A" * 32, "sha256:" + "0" * 63, DIGEST + "\n"])
def test_refuses_what_is_no_digest(digest: str) -> None:
    with pytest.raises(InvalidArgumentError, match="64 hexadecimal digits"):
        image_by_digest(repository(new_stack()), digest)
