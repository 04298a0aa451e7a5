"""Writes the table of rules in docs/guide/check.md from the rules themselves: `python tools/check_page.py`."""

from pathlib import Path

from seachange_migrations.check.observed.rules import RULES as OBSERVED
from seachange_migrations.check.rule import rules
from seachange_migrations.check.workload import RULES as WORKLOAD

PAGE = Path(__file__).parents[1] / "docs/guide/check.md"
BEGIN, END = "<!-- rules: made by tools/check_page.py -->", "<!-- end of rules -->"
ORDER = ("contract", "data", "lock-hazard", "unknown")


def section() -> str:
    """The rules, the gravest first, each with its docstring."""
    lines = []
    for verdict in ORDER:
        lines += [f"### {verdict}", ""]
        for rule in (rule for rule in rules().values() if rule.verdict == verdict):
            lines += [f"#### `{rule.id}`", "", rule.reason.strip(), ""]
    lines += ["### Seen on a scratch database, or with the workload", "", "| rule | finds |", "|---|---|"]
    lines += [f"| `{rule}` | {reason} |" for rule, reason in {**OBSERVED, **WORKLOAD}.items()]
    return "\n".join(lines)


def renewed(page: str) -> str:
    """`page` with the rules as they are now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{section()}\n\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
