"""Stands in for the CDK's Provider framework: sends a CloudFormation event to a Lambda's handlers until it says that it is complete.

Run as a process of its own, with the function's environment: `python -m seachange.rehearsal.provider < request.json > answer.json`.
"""

import importlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO, cast

from seachange.plan.model import Migration
from seachange.rehearsal.errors import MigrationFailedError
from seachange.rehearsal.stage.process import ChildProcess
from seachange_migrations.errors import RefusedError

_POLL_S = 0.2


class _Context:
    """What the Lambda runtime passes beside the event; only what a handler may rely on here."""

    def __init__(self, timeout_s: float) -> None:
        self._deadline = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round(1000 * (self._deadline - time.monotonic())))


class Invocation:
    """One request to a migration resource, under way in a process of its own.

    Args:
        migration: The resource as planned.
        properties: Its properties with local values.
        environment: The whole environment of the Lambda.
        request_type: `Create` or `Update`.
        work: A directory for request and answer.
        logs: Where `migration.log` is written.

    `killed` tells whether `kill` ended it.
    """

    def __init__(
        self,
        migration: Migration,
        properties: Mapping[str, Any],
        *,
        environment: Mapping[str, str],
        request_type: str,
        work: Path,
        logs: Path,
    ) -> None:
        self.killed = False
        self._limit_s = migration.limit_s
        self._deadline = time.monotonic() + self._limit_s
        self._answer = work / "migration-answer.json"
        self._answer.unlink(missing_ok=True)
        event = _event(migration.label.rpartition("/")[2], properties, request_type)
        handlers = {
            "on_event": migration.on_event,
            "is_complete": migration.is_complete,
            "timeout_s": migration.timeout_s,
        }
        request = work / "migration-request.json"
        request.write_text(json.dumps({"event": event, **handlers}), "utf-8")
        self._process = ChildProcess(
            "the migration",
            # -P: nothing of the working directory is imported. The asset's dependencies are built for the Lambda's platform.
            [sys.executable, "-P", "-m", "seachange.rehearsal.provider", str(request), str(self._answer)],
            log=logs / "migration.log",
            cwd=work,
            env=environment,
        )

    def done(self) -> bool:
        """Whether it has ended; MigrationFailedError when it takes longer than CloudFormation would wait."""
        if self._process.exit_code() is None and time.monotonic() > self._deadline:
            self.abort()
            raise MigrationFailedError(
                f"the migration did not end within {self._limit_s:.0f} s: {self._process.last_lines()} (log: {self._process.log})",
                refused=False,
            )
        return self._process.exit_code() is not None

    def attributes(self) -> dict[str, str]:
        """The resource's attributes after it has ended; MigrationFailedError with the handler's own message when it failed."""
        if not self._answer.exists():
            raise MigrationFailedError(
                f"the migration's Lambda ended without an answer: {self._process.last_lines()} (log: {self._process.log})",
                refused=False,
            )
        result: dict[str, Any] = json.loads(self._answer.read_text("utf-8"))
        if "error" in result:
            raise MigrationFailedError(
                f"the migration failed: {result['error']} (log: {self._process.log})", refused=result["refused"]
            )
        return {str(key): str(value) for key, value in result["data"].items()}

    def kill(self) -> bool:
        """Ends it at once, as a crash would; False when it had ended before."""
        self.killed = self._process.exit_code() is None
        self._process.kill()
        return self.killed

    def abort(self) -> None:
        """Ends it when it still runs."""
        self._process.stop(grace_s=5)


def _event(logical_id: str, properties: Mapping[str, Any], request_type: str) -> dict[str, Any]:
    event: dict[str, Any] = {
        "RequestType": request_type,
        "RequestId": "rehearsal",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/rehearsal/0",
        "LogicalResourceId": logical_id,
        "ResourceType": "Custom::SeaChangeMigrations",
        "ResourceProperties": dict(properties),
    }
    if request_type != "Create":
        event |= {"PhysicalResourceId": f"seachange-migrations-{logical_id}", "OldResourceProperties": dict(properties)}
    return event


def run(request: Mapping[str, Any]) -> dict[str, Any]:
    """Calls `on_event` once, then `is_complete` until it is; returns `{"data": …}` or `{"error": …}`."""
    on_event, is_complete = _handler(request["on_event"]), _handler(request["is_complete"])
    try:
        event = dict(request["event"])
        event |= on_event(event, _Context(request["timeout_s"])) or {}
        while True:
            answer = is_complete(event, _Context(request["timeout_s"]))
            if answer["IsComplete"]:
                return {"data": answer.get("Data", {})}
            time.sleep(_POLL_S)
    except Exception as error:
        logging.getLogger(__name__).exception("the handler raised")
        return {"error": str(error) or type(error).__name__, "refused": isinstance(error, RefusedError)}


def _handler(name: str) -> Callable[[Mapping[str, Any], _Context], Any]:
    module, _, function = name.rpartition(".")
    handler: Callable[[Mapping[str, Any], _Context], Any] = getattr(importlib.import_module(module), function)
    return handler


class _Stamped:
    """Writes each line behind the epoch second at which it was printed: what the Lambda's log has beside its lines."""

    def __init__(self, output: TextIO) -> None:
        self._output = output

    def write(self, text: str) -> int:
        return self._output.write(f"{time.time():.3f} {text}" if text.strip() else text)

    def flush(self) -> None:
        self._output.flush()


def main(request: Path, answer: Path) -> None:
    """Answers the request file; the answer appears whole or not at all."""
    # Modules that lie beside the migrations in the asset; last, as its dependencies are built for another platform.
    sys.path.append(os.environ["LAMBDA_TASK_ROOT"])
    result = run(json.loads(request.read_text("utf-8")))
    draft = answer.with_suffix(".draft")
    draft.write_text(json.dumps(result), "utf-8")
    draft.replace(answer)


if __name__ == "__main__":
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), stream=sys.stderr, format="%(created).3f %(message)s"
    )
    sys.stdout = cast("TextIO", _Stamped(sys.stdout))
    main(Path(sys.argv[1]), Path(sys.argv[2]))
