"""Container images that stay what they are: by digest, by a tag of one's own, never `latest`."""

import re

from aws_cdk import Stack
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs

from seachange.errors import InvalidArgumentError

_REMEDY = (
    "it may be another image tomorrow, and a rollback would start that one. Name a tag of this release, or the digest: "
    "image_by_digest(repository, 'sha256:…')"
)


def image_by_digest(repository: ecr.IRepository, digest: str) -> ecs.ContainerImage:
    """An image of an ECR repository, by what it contains.

    Args:
        repository: The repository; the task's execution role gets the right to pull from it.
        digest: `sha256:` and 64 hexadecimal digits, as `docker push` prints it; the digits may be known only when the stack deploys.
    """
    digits = r"(?:[0-9a-f]{64}|.*\$\{Token\[.*)"
    if not re.fullmatch(f"sha256:{digits}", digest):
        raise InvalidArgumentError("image_by_digest(digest=)", digest, "give 'sha256:' and 64 hexadecimal digits")
    return ecs.ContainerImage.from_ecr_repository(repository, digest)


def refuse_latest(container: ecs.ContainerDefinition, argument: str) -> None:
    """Refuses a container whose image is tagged `latest`, or has neither a tag nor a digest, which means the same.

    What only shows when the stack deploys is let through.

    Args:
        container: The container.
        argument: The argument's name, for the message: `BlueGreenService(image=)`.
    """
    tail = _literal_tail(Stack.of(container).resolve(container.image_name))
    if tail is None or "@" in tail:
        return
    _, is_tagged, tag = tail.rpartition(":")
    if not is_tagged or tag == "latest":
        raise InvalidArgumentError(argument, container.image_name if tail == container.image_name else tail, _REMEDY)


def _literal_tail(image: object) -> str | None:
    """The end of an image's name after its last slash, as far as it is known; None when even tag and digest may be unknown."""
    match image:
        case str() as text:
            return text.rpartition("/")[2]
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), *_]} if not text.endswith("}"):
            return text.rpartition("/")[2]
        case {"Fn::Join": ["", [*_, str(text)]]} if re.search("[/:@]", text):
            return text.rpartition("/")[2]
        case _:
            return None
