"""The body of a revision: questions first, so that nothing runs before they are answered, then the steps with their reasons."""

import textwrap
from collections.abc import Iterable

from seachange.authoring.changes import Question, Step
from seachange.authoring.python import INDENT, call, comment, formatted

COMMENT_WIDTH = 110
NOT_DECIDED = "from seachange_migrations.errors import NotDecidedError"


def body(steps: Iterable[Step], questions: Iterable[Question]) -> str:
    """The statements of `upgrade()`, without the first line's indentation, which the template gives."""
    lines = [line for question in questions for line in _asked(question)]
    for step in steps:
        lines += _reason(step)
        lines += formatted(step.code)
    return "\n".join(lines).removeprefix(INDENT)


def _reason(step: Step) -> list[str]:
    if step.allow:
        # `seachange check` reads the reason from one line.
        return comment(f"seachange: allow {step.allow} because {step.why[0].lower()}{step.why[1:].rstrip('.')}")
    return comment(textwrap.fill(step.why, COMMENT_WIDTH)) if step.why else []


def _asked(question: Question) -> list[str]:
    text = textwrap.fill(f"Question: {question.text}", COMMENT_WIDTH)
    return [*comment(f"{text}\n{question.remedy}"), *formatted(f"raise {call('NotDecidedError', question.text)}")]
