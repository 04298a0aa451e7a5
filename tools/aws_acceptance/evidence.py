"""What a run keeps: every call and answer with its time, and every verdict, with the account's number masked."""

import datetime
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.aws_acceptance.check import Check, Finding

SCHEMA = "seachange.aws-acceptance/1"
MASK = "*" * 12


class Evidence:
    """Collects, and writes `evidence.json` and `evidence.md` after each check, so that an interrupted run keeps what it saw.

    Args:
        folder: Where both files go.
        head: Name, region and start of the run.
        account: The number that must not be written.
    """

    def __init__(self, folder: Path, head: Mapping[str, Any], account: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._account = account
        self._calls: list[dict[str, Any]] = []
        self._last: dict[str, dict[str, Any]] = {}
        self._report: dict[str, Any] = {"schema": SCHEMA, **head, "checks": [], "left": None}

    def call(self, at: datetime.datetime, call: str, request: Any, answer: Any) -> None:
        """One call; the same answer to the same question again only counts."""
        question = f"{call} {json.dumps(request, default=_plain, sort_keys=True)}"
        last = self._last.get(question, {})
        if last and last["answer"] == answer:
            last["times"] = last.get("times", 1) + 1
            last["until"] = at
        else:
            self._last[question] = {"at": at, "call": call, "request": request, "answer": answer}
            self._calls.append(self._last[question])

    def verdict(self, check: Check, finding: Finding, started: datetime.datetime, ended: datetime.datetime) -> None:
        """A check's end, with the calls made since the one before."""
        self._report["checks"].append(
            {
                "id": check.id,
                "fact": check.fact,
                "sources": [f"{file}: {words}" for file, words in check.sources],
                "did": check.does,
                "decides": check.decides,
                "verdict": finding.verdict,
                "because": finding.because,
                "started": started,
                "ended": ended,
                "evidence": self._calls,
            }
        )
        self._calls, self._last = [], {}
        self.write()

    def close(self, ended: datetime.datetime, left: list[str]) -> None:
        """The end, with what was left on AWS; the calls since the last check are those of the destruction. Masks the CDK's logs too."""
        self._report |= {"ended": ended, "left": left, "destruction": self._calls}
        self.write()
        for log in self.folder.glob("cdk-*.log"):
            log.write_text(self.masked(log.read_text("utf-8", errors="replace")), "utf-8")

    def write(self) -> None:
        """Both files."""
        text = json.dumps(self._report, indent=1, default=_plain, ensure_ascii=False)
        (self.folder / "evidence.json").write_text(self.masked(text) + "\n", "utf-8")
        (self.folder / "evidence.md").write_text(self.masked(self._page()), "utf-8")

    def masked(self, text: str) -> str:
        """The text without the account's number."""
        return text.replace(self._account, MASK)

    def _page(self) -> str:
        report = self._report
        lines = [
            f"# {'Dry run, scripted answers' if report.get('dry_run') else 'What AWS answered'}: {report['name']}",
            "",
            f"Region {report['region']}, started {report['started']:%Y-%m-%d %H:%M:%S} UTC. Every call and answer: evidence.json.",
            "",
            "| check | fact | verdict | because |",
            "|---|---|---|---|",
        ]
        for check in report["checks"]:
            cells = (check["id"], check["fact"], f"**{check['verdict']}**", check["because"])
            lines.append(f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in cells)} |")
        for check in report["checks"]:
            lines += ["", f"## {check['id']}: {check['verdict']}", "", f"{check['did']}", ""]
            lines += [f"Decided by: {check['decides']}", ""]
            lines += [
                f"- {call['at']:%H:%M:%S} `{call['call']}`"
                + (f", {call['times']} times until {call['until']:%H:%M:%S}" if "times" in call else "")
                for call in check["evidence"]
            ]
        left = report["left"]
        lines += ["", "## Left on AWS", ""]
        lines += ["The run has not ended."] if left is None else [f"- {one}" for one in left] or ["Nothing."]
        return "\n".join(lines) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if hasattr(value, "read"):
        return "<stream>"
    return repr(value)
