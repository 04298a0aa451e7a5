"""`seachange freeze` and `keep_frozen`: the record is written once, and a synthesis that differs from it fails."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import Duration
from aws_cdk.assertions import Annotations, Match
from typer.testing import CliRunner, Result

from seachange import BlueGreenLoadBalancer, TrafficShift, keep_frozen
from seachange.cli.app import app as commands
from seachange.record import Record, RecordError
from tests.constructs.apps import new_service, new_stack, template, their_vpc


def synthesize(*, port: int = 8080, record: Path | None = None, **arguments: Any) -> Path:
    """A cloud assembly of a service; `record` keeps it frozen."""
    stack = new_stack("Shop")
    if record is not None:
        keep_frozen(stack.node.root, record=record)
    balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), container_port=port)
    new_service(stack, load_balancer=balancer, **arguments)
    template(stack)
    return Path(str(stack.node.root.synth().directory))


def freeze(assembly: Path, record: Path, *more: str) -> Result:
    return CliRunner().invoke(commands, ["freeze", "--app", str(assembly), "--record", str(record), *more])


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "frozen.json"
    done = freeze(synthesize(), path)
    assert done.exit_code == 0, done.output
    assert "Shop: " in done.output
    return path


def test_another_release_passes_and_another_port_does_not(record: Path) -> None:
    assert set(json.loads(record.read_text())["stacks"]) == {"Shop"}
    shift = TrafficShift.canary(percent=5, interval=Duration.minutes(10))
    synthesize(record=record, release="2", cpu=1024, memory_limit_mib=2048, traffic_shift=shift)
    with pytest.raises(RuntimeError, match="ValidationFailed") as failure:
        synthesize(record=record, port=9090)
    report = Path(str(failure.value).split("found in: ")[1]).read_text("utf-8")
    assert "LoadBalancers moved from" in report
    assert "BlueGreenService(container_port=)" in report


def test_it_records_nothing_over_what_moved_unless_that_is_accepted(record: Path) -> None:
    before = record.read_text()
    other = synthesize(initial_desired_count=3)
    refused = freeze(other, record)
    assert refused.exit_code == 1
    assert "DesiredCount moved from 2 to 3: leave initial_desired_count" in refused.output
    assert record.read_text() == before
    assert freeze(other, record, "--accept").exit_code == 0
    assert record.read_text() != before


def test_the_stacks_of_a_stage_are_recorded_and_kept(tmp_path: Path) -> None:
    record = tmp_path / "frozen.json"

    def assembly(port: int) -> Path:
        app = cdk.App(context={"aws:cdk:bundling-stacks": []})
        keep_frozen(app, record=record)
        stack = cdk.Stack(cdk.Stage(app, "dev"), "Shop")
        balancer = BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack), container_port=port)
        new_service(stack, load_balancer=balancer)
        return Path(app.synth().directory)

    assert freeze(assembly(8080), record).exit_code == 0
    assert [name.startswith("devShop") for name in json.loads(record.read_text())["stacks"]] == [True]
    with pytest.raises(RuntimeError, match="ValidationFailed"):
        assembly(9090)


def test_a_tag_of_the_stack_itself_is_found(record: Path) -> None:
    stack = new_stack("Shop")
    cdk.Tags.of(stack).add("GitSha", "abc")
    new_service(stack, load_balancer=BlueGreenLoadBalancer(stack, "Balancer", vpc=their_vpc(stack)))
    refused = freeze(Path(str(stack.node.root.synth().directory)), record)
    assert refused.exit_code == 1
    assert "the stack itself: Tags moved from nothing to" in refused.output
    assert "explicitStackTags" in refused.output


def test_an_assembly_without_a_service_is_no_success(tmp_path: Path) -> None:
    done = freeze(Path(str(new_stack("Empty").node.root.synth().directory)), tmp_path / "frozen.json")
    assert isinstance(done.exception, RecordError)
    assert "holds no service under CodeDeploy" in str(done.exception)
    assert not (tmp_path / "frozen.json").exists()


@pytest.mark.parametrize("text", ["{}", '{"schema": "seachange.frozen/1", "stacks": {"Shop": {"Service": {}}}}', "[]"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(text)
    with pytest.raises(RecordError, match="no record of schema"):
        Record.load(broken)


def test_a_record_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be written"):
        Record(stacks={}).save(tmp_path / "nowhere" / "frozen.json")


def test_a_missing_record_is_warned_of(tmp_path: Path) -> None:
    stack = new_stack("Shop")
    keep_frozen(stack, record=tmp_path / "none.json")
    new_service(stack)
    Annotations.from_stack(stack).has_warning("/Shop", Match.string_like_regexp("seachange freeze --record"))
