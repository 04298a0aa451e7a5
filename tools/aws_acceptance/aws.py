"""AWS as the run sees it: boto3, each call and answer kept."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Recorder = Callable[[str, Any, Any], None]


class Aws:
    """Calls AWS; `client` makes a boto3 client of a service's name.

    Attributes:
        record: Where each call goes; nowhere until a run has begun.
    """

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._make = client
        self._clients: dict[str, Any] = {}
        self.record: Recorder = lambda _call, _request, _answer: None

    def client(self, service: str) -> Any:
        """The service's boto3 client."""
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """One call, such as `call("codedeploy.get_deployment", deploymentId="d-1")`; ClientError as boto3 raises it."""
        service, method = operation.split(".")
        try:
            answer: dict[str, Any] = getattr(self.client(service), method)(**request)
        except ClientError as error:
            self.record(operation, request, {"Error": error.response["Error"]})
            raise
        answer.pop("ResponseMetadata", None)
        if "Payload" in answer:
            answer["Payload"] = answer["Payload"].read().decode()
        self.record(operation, request, answer)
        return answer

    def every(self, operation: str, key: str, **request: Any) -> list[Any]:
        """All items of a paged answer."""
        service, method = operation.split(".")
        items: list[Any] = []
        for page in self.client(service).get_paginator(method).paginate(**request):
            page.pop("ResponseMetadata", None)
            self.record(operation, request, page)
            items += page.get(key, [])  # S3 leaves out what is empty
        return items


def error_code(error: ClientError) -> str:
    """What kind of error AWS answered with."""
    return str(error.response["Error"].get("Code", ""))


def connect(region: str | None) -> tuple[Aws, str]:
    """AWS with the caller's own credentials, and the region; BotoCoreError when there is neither."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import NoRegionError

    session: Any = boto3.Session(region_name=region)  # its stubs know services by literal names alone
    if session.region_name is None:
        raise NoRegionError
    config = Config(retries={"mode": "adaptive", "max_attempts": 10})
    return Aws(lambda service: session.client(service, config=config)), session.region_name
