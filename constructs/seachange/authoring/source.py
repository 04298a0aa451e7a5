"""The body of a revision: questions first, so that nothing runs before they are answered, then the steps with their reasons."""

import textwrap

from seachange.authoring.changes import Part, Question
from seachange.authoring.python import INDENT, call, comment, formatted

COMMENT_WIDTH = 110
NOT_DECIDED = "from seachange_migrations.errors import NotDecidedError"


def body(part: Part) -> str:
    """The statements of `upgrade()`, without the first line's indentation, which the template gives."""
    lines = [line for question in part.questions for line in _asked(question)]
    for step in part.ordered():
        lines += comment(textwrap.fill(step.why, COMMENT_WIDTH)) if step.why else []
        lines += formatted(step.code)
    return "\n".join(lines).removeprefix(INDENT)


def _asked(question: Question) -> list[str]:
    text = textwrap.fill(f"Question: {question.text}", COMMENT_WIDTH)
    return [*comment(f"{text}\n{question.remedy}"), *formatted(f"raise {call('NotDecidedError', question.text)}")]
