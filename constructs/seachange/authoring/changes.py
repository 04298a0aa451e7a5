"""What a difference between models and database becomes: statements of an expand and of a contract revision."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Step:
    """A Python statement of a revision.

    Args:
        code: The statement.
        table: The table in use that it locks; none for what only makes something new.
        why: The comment above it; none by default.
        commits: Whether it commits inside, so that it stands after all that do not.
        allow: The rule of `seachange check` that it breaks, rightly for the reason `why`; none by default.
    """

    code: str
    table: str = ""
    why: str = ""
    commits: bool = False
    allow: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What cannot be decided from models and database.

    Args:
        text: The question, in one line.
        remedy: How it is answered: in the model, or by hand; each line stands in the revision's comment.
    """

    text: str
    remedy: str


@dataclass(kw_only=True)
class Part:
    """One phase: its steps, and what keeps it from running. `table` is the one that steps are being added for."""

    steps: list[Step] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    table: str = ""

    def add(self, code: str, why: str = "", *, commits: bool = False, allow: str = "") -> None:
        self.steps.append(Step(code=code, table=self.table, why=why, commits=commits, allow=allow))

    def ask(self, text: str, remedy: str) -> None:
        self.questions.append(Question(text=text, remedy=remedy))

    def revisions(self) -> dict[str, list[Step]]:
        """The steps of each revision, by the table that it locks.

        One that locked two tables would hold the first while it waits for the second. What commits inside comes last:
        until then nothing is committed, and a failure leaves nothing behind.
        """
        locked = list(dict.fromkeys(step.table for step in self.steps if step.table and not step.commits)) or [""]
        found: dict[str, list[Step]] = {table: [] for table in locked}
        for step in self.steps:
            # What is new comes before all that may refer to it; what locks nothing for long, after.
            found[step.table if step.table in found else locked[-1 if step.table else 0]].append(step)
        return {table: sorted(steps, key=lambda step: step.commits) for table, steps in found.items()}

    def __bool__(self) -> bool:
        return bool(self.steps or self.questions)


@dataclass(kw_only=True)
class Changes:
    """All that one comparison became. `notes` tell what the author should know and need not decide."""

    expand: Part = field(default_factory=Part)
    contract: Part = field(default_factory=Part)
    notes: list[str] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)

    @property
    def questions(self) -> list[Question]:
        return [*self.expand.questions, *self.contract.questions]

    def turn_to(self, table: str) -> None:
        """Steps that are added from now on lock `table`; none, if that is empty."""
        self.expand.table = self.contract.table = table

    def note(self, text: str) -> None:
        self.notes.append(text)
