"""`seachange freeze`"""

from pathlib import Path
from typing import Annotated

import typer


def freeze(
    app: Annotated[
        Path, typer.Option(help="Cloud assembly of what is deployed, or about to be for the first time.")
    ] = Path("cdk.out"),
    record: Annotated[Path, typer.Option(help="The file to write; commit it.")] = Path("frozen.json"),
    accept: Annotated[
        bool, typer.Option("--accept", help="Record what moved as well: AWS has it so, or the service shall go.")
    ] = False,
) -> None:
    """Record what must stay as it was created.

    The ECS service, its listeners and target groups, and what replacing would replace them.

    `keep_frozen(app, record=...)` in the CDK app then refuses a synthesis that differs, and names the way out.

    Exit code 0: the record is written. 1: something recorded has moved, and nothing is written. 2: unusable input.
    """
    from seachange.assembly import Assembly
    from seachange.fragments import frozen_fragments, stack_fragment
    from seachange.record import Record, RecordError

    known = Record.load(record)
    assembly = Assembly.load(app)
    resources = {
        stack: template.get("Resources", {}) | stack_fragment(assembly.tags[stack])
        for stack, template in assembly.templates.items()
    }
    differences = [
        (stack, difference) for stack in sorted(resources) for difference in known.compare(stack, resources[stack])
    ]
    if differences and not accept:
        for stack, difference in differences:
            print(f"{stack}/{difference}: {difference.way_out}")
        raise typer.Exit(1)
    fragments = {stack: frozen_fragments(found) for stack, found in resources.items()}
    if not any(fragments.values()) and not known.stacks:
        raise RecordError(
            f"{app} holds no service under CodeDeploy: name the assembly of the app that has one with --app"
        )
    Record(stacks={stack: kept for stack, kept in {**known.stacks, **fragments}.items() if kept}).save(record)
    counts = ", ".join(f"{stack}: {len(kept)} resources" for stack, kept in sorted(fragments.items()) if kept)
    print(f"{record}: {counts or 'no service under CodeDeploy in this assembly'}")
