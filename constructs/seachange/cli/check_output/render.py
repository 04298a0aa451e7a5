"""From a check's result to the text that is printed."""

import json

from seachange.cli.check_output import Format
from seachange.cli.check_output.github import github
from seachange.cli.check_output.sarif import sarif
from seachange.cli.check_output.terminal import terminal
from seachange_migrations.check import Result


def render(result: Result, output: Format) -> str:
    match output:
        case Format.JSON:
            return json.dumps(result.to_json())
        case Format.GITHUB:
            return github(result)
        case Format.SARIF:
            return json.dumps(sarif(result))
        case Format.TERMINAL:
            return terminal(result)
