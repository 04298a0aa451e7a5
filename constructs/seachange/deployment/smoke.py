"""The smoke test of a release: HTTP steps against the test listener, before production traffic reaches it."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from aws_cdk import Duration, Token

from seachange.errors import InvalidArgumentError
from seachange.known import LATER, synthesis_time
from seachange_deployments.errors import InvalidInputError
from seachange_deployments.steps import steps_from

_SHORTEST_MINUTES, _LONGEST_MINUTES = 1, 14


@dataclass(frozen=True, kw_only=True)
class SmokeTest:
    """HTTP steps that a release must pass behind the test listener before it gets production traffic.

    A step is a mapping with `name` and `path`, and optionally `method` (GET), `body`, `headers`, `expect` (200), `check`
    (JMESPath → value), `capture` (name → JMESPath) and `always` (clean-up). `{{unique}}` stands for a value that is
    new in each run, `{{name}}` for a captured one. Every request carries the header `x-seachange-synthetic: 1`. Let
    every step that makes something be followed by one that is `always` run and removes it: the test then passes
    however often it is run.

    Attributes:
        steps: In order; one at least.
        host: The domain sent as Host and, over TLS, as SNI, where the listener's certificate must be valid for it and
            come from a public authority. None, the default, sends the load balancer's private address; refused when
            the test listener speaks TLS.
        timeout: How long it may take, counted in the deployment's time: 5 minutes by default, 1 to 14, for a Lambda
            function runs it. The last half minute of it is kept for the answer to CodeDeploy.
    """

    steps: Sequence[Mapping[str, Any]]
    host: str | None = None
    timeout: Duration = field(default_factory=lambda: Duration.minutes(5))

    def __post_init__(self) -> None:
        if not isinstance(self.steps, Sequence) or isinstance(self.steps, str) or not self.steps:
            raise InvalidArgumentError("SmokeTest(steps=)", self.steps, "give a list of one step or more")
        try:
            steps_from(self.steps)
        except InvalidInputError as error:
            raise InvalidArgumentError("SmokeTest(steps=)", f"{len(self.steps)} steps", str(error)) from error
        if Token.is_unresolved(self.as_json()):
            raise InvalidArgumentError(
                "SmokeTest(steps=)",
                LATER,
                "give texts and numbers: the steps are packed when the app is synthesized",
            )
        if self.host is not None and not Token.is_unresolved(self.host) and not _is_domain(self.host):
            raise InvalidArgumentError("SmokeTest(host=)", self.host, "give a domain, without scheme, port or path")
        minutes = synthesis_time(
            "SmokeTest(timeout=)",
            self.timeout,
            "minutes",
            "it counts in the deployment's time, which the synthesis checks",
        )
        if not _SHORTEST_MINUTES <= minutes <= _LONGEST_MINUTES:
            raise InvalidArgumentError(
                "SmokeTest(timeout=)",
                f"{minutes:g} min",
                f"give {_SHORTEST_MINUTES} to {_LONGEST_MINUTES} min: a Lambda function runs the steps",
            )

    @classmethod
    def load(cls, path: str | Path, *, host: str | None = None, timeout: Duration | None = None) -> Self:
        """A smoke test whose steps stand in a TOML file as `[[steps]]`.

        Args:
            path: The file.
            host, timeout: As in the class.
        """
        try:
            document = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidArgumentError("SmokeTest.load(path=)", str(path), f"it cannot be read: {error}") from error
        if document.keys() != {"steps"}:
            found = ", ".join(document) or "nothing"
            raise InvalidArgumentError(
                "SmokeTest.load(path=)", str(path), f"write [[steps]] in it and nothing else; it holds {found}"
            )
        return cls(steps=document["steps"], host=host, timeout=timeout or Duration.minutes(5))

    def as_json(self) -> str:
        """The steps as the hook's asset holds them."""
        return json.dumps(self.steps, indent=1) + "\n"


def _is_domain(host: str) -> bool:
    return bool(host) and all(
        label and set(label.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_") for label in host.split(".")
    )
