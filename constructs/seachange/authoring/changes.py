"""What a difference between models and database becomes: statements of an expand and of a contract revision."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Step:
    """A Python statement of a revision. `why` is the comment above it.

    `commits` says that it commits inside, so that it stands after all that do not.
    """

    code: str
    why: str = ""
    commits: bool = False


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
    """One revision: its steps, and what keeps it from running."""

    steps: list[Step] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def add(self, code: str, why: str = "", *, commits: bool = False) -> None:
        self.steps.append(Step(code=code, why=why, commits=commits))

    def ask(self, text: str, remedy: str) -> None:
        self.questions.append(Question(text=text, remedy=remedy))

    def ordered(self) -> list[Step]:
        """What commits inside comes last: until then nothing is committed, and a failure leaves nothing behind."""
        return sorted(self.steps, key=lambda step: step.commits)

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

    def note(self, text: str) -> None:
        self.notes.append(text)
