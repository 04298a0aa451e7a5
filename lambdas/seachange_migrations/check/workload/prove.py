"""Executes a workload on a scratch database before and after each revision."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql

from seachange_migrations.check.findings import Finding, Source
from seachange_migrations.check.observed import applier
from seachange_migrations.check.observed.observe import not_applied
from seachange_migrations.check.parser import Parsed, parse
from seachange_migrations.check.scratch import Scratch, ScratchError
from seachange_migrations.check.scratch.failure import Failure, in_words
from seachange_migrations.check.statement import RevisionObservation, Statement
from seachange_migrations.check.workload.kinds import tables as named_in
from seachange_migrations.check.workload.model import Unknown, Workload
from seachange_migrations.check.workload.replay import Executed, enums, execute_after, execute_before, new_values
from seachange_migrations.check.workload.seeds import Seeds, seed
from seachange_migrations.check.workload.serving import no_longer_executed
from seachange_migrations.check.workload.session import Session, session, settings_of
from seachange_migrations.check.workload.tables import Tables, read_tables
from seachange_migrations.connection import ConnectionSettings, connect
from seachange_migrations.running import TimeLeft, endless


@dataclass(frozen=True, kw_only=True)
class Proof:
    """`observations` has what was seen per revision, the findings of the workload among them.

    `executed` statements worked before the first revision; `unknown` are those that did not, or could not be executed again.
    `notes` say in words what else is missing. `failed` is the reason when a revision did not run.
    """

    observations: tuple[RevisionObservation, ...]
    executed: int
    unknown: tuple[Unknown, ...]
    notes: tuple[str, ...] = ()
    failed: str | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for observation in self.observations for finding in observation.findings)


def prove(
    scratch: Scratch,
    directory: Path,
    revisions: Sequence[str],
    workload: Workload,
    *,
    roles: Mapping[str, ConnectionSettings] | None = None,
    time_left: TimeLeft = endless,
) -> Proof:
    """Seeds `scratch` with sampled rows, executes `workload`, then applies `revisions` and executes it again after each.

    `roles` has settings for roles that log in themselves; for any other the role of `scratch` must be able to SET ROLE. What
    breaks statements that only an older release executed is no finding.
    """
    with ExitStack() as stack:
        replays = _Replays.prepare(stack, scratch, workload, roles or {}, time_left)
        observations: list[RevisionObservation] = []
        applying = stack.enter_context(applier(scratch, directory, time_left=time_left))
        for revision in revisions:
            try:
                observation = applying.apply(revision)
            except ScratchError as error:
                rest = [not_applied(each, str(error)) for each in revisions[len(observations) :]]
                return replays.proof([*observations, *rest], failed=str(error))
            found = (*observation.findings, *replays.execute(revision, time_left))
            observations.append(replace(observation, findings=found))
        return _of_the_serving_release(replays.proof(observations), scratch.real, workload)


def _of_the_serving_release(proof: Proof, real: ConnectionSettings, workload: Workload) -> Proof:
    """`proof` without what breaks an older release alone; that is unknown there."""
    outdated = no_longer_executed(real, workload, proof.findings)
    texts = {each.sql for each in outdated}
    kept = tuple(
        replace(
            observation,
            findings=tuple(
                found
                for found in observation.findings
                if found.source is not Source.WORKLOAD or found.statement not in texts
            ),
        )
        for observation in proof.observations
    )
    return replace(proof, observations=kept, unknown=(*proof.unknown, *outdated))


@dataclass
class _Role:
    """A role's session, with what it has prepared there."""

    name: str
    settings: Mapping[str, str]
    login: ConnectionSettings | None
    session: Session
    executed: list[Executed]


class _Replays:
    """The workload on the scratch database."""

    def __init__(self, scratch: Scratch, workload: Workload) -> None:
        self.unknown = list(workload.unknown)
        self.notes: list[str] = []
        self.roles: list[_Role] = []
        self.count = 0
        self._scratch = scratch
        self._enums: dict[int, tuple[str, frozenset[str]]] = {}

    @classmethod
    def prepare(
        cls,
        stack: ExitStack,
        scratch: Scratch,
        workload: Workload,
        logins: Mapping[str, ConnectionSettings],
        time_left: TimeLeft,
    ) -> "_Replays":
        made = cls(scratch, workload)
        with connect(scratch.settings) as connection:
            tables = read_tables(connection)
            made._enums = enums(connection)
        parsed = {statement.sql: parse(Statement(sql=statement.sql))[0] for statement in workload.statements}
        by_role = dict.fromkeys(statement.role for statement in workload.statements)
        settings = {role: settings_of(scratch, role) for role in by_role}
        views = {role: tables.within(_search_path(settings[role], role)) for role in by_role}
        seeds = seed(scratch, tables, _wanted(workload, parsed, views), time_left)
        made.notes = [f"no rows of {missing}" for missing in seeds.missing]
        for name in by_role:
            made._open(stack, name, settings[name], logins.get(name))
            made._execute_before(workload, name, parsed, views[name], seeds, time_left)
        made.count = sum(len(role.executed) for role in made.roles)
        return made

    def _open(self, stack: ExitStack, name: str, settings: Mapping[str, str], login: ConnectionSettings | None) -> None:
        login = replace(login, database=self._scratch.settings.database) if login else None
        if login is not None:
            with connect(self._scratch.settings) as owner:
                grant = sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}")
                owner.execute(grant.format(sql.Identifier(login.database), sql.Identifier(name)))
        try:
            opened = stack.enter_context(session(self._scratch, name, settings, login))
        except psycopg.Error as error:
            self.notes.append(
                f"nothing of role {name!r}: {self._scratch.settings.user!r} may not act as it, {in_words(error)}"
            )
            return
        self.roles.append(_Role(name=name, settings=settings, login=login, session=opened, executed=[]))

    def _execute_before(
        self,
        workload: Workload,
        name: str,
        parsed: Mapping[str, Parsed],
        tables: Tables,
        seeds: Seeds,
        time_left: TimeLeft,
    ) -> None:
        role = next((role for role in self.roles if role.name == name), None)
        for statement in workload.statements:
            if statement.role != name:
                continue
            found: Executed | str
            if role is None:
                found = "nobody may act as its role"
            elif time_left() <= 0:
                found = "there was no time left for it"
            else:
                outcome = execute_before(role.session, statement, parsed[statement.sql], tables, seeds.rows)
                found = f"it fails before any revision: {outcome}" if isinstance(outcome, Failure) else outcome
            if isinstance(found, str):
                self.unknown.append(Unknown(sql=statement.sql, role=name, reason=found))
            elif role is not None:
                role.executed.append(found)

    def execute(self, revision: str, time_left: TimeLeft) -> Iterator[Finding]:
        """Executes all that still works; what fails now is a finding, and is left out from here on."""
        with connect(self._scratch.settings) as connection:
            now = enums(connection)
        for role in self.roles:
            with self._new_session(role) as new:
                for executed in list(role.executed):
                    if time_left() <= 0:
                        raise ScratchError(
                            f"the time is used up before every statement was executed after revision {revision}"
                        )
                    outcome = execute_after(revision, executed, role.session, new)
                    if outcome is None:
                        yield from new_values(revision, executed, self._enums, now)
                        continue
                    role.executed.remove(executed)
                    if isinstance(outcome, Failure):
                        reason = f"after revision {revision}: {outcome}"
                        self.unknown.append(Unknown(sql=executed.sql, role=role.name, reason=reason))
                    else:
                        yield outcome
        self._enums = now

    @contextmanager
    def _new_session(self, role: _Role) -> Iterator[Session]:
        with session(self._scratch, role.name, role.settings, role.login) as opened:
            yield opened

    def proof(self, observations: Sequence[RevisionObservation], *, failed: str | None = None) -> Proof:
        return Proof(
            observations=tuple(observations),
            executed=self.count,
            unknown=tuple(self.unknown),
            notes=tuple(self.notes),
            failed=failed,
        )


def _wanted(workload: Workload, parsed: Mapping[str, Parsed], tables: Mapping[str, Tables]) -> list[str]:
    """The keys of the tables that statements name; of all tables where one names a view, which reads others."""
    found: dict[str, None] = {}
    for statement in workload.statements:
        for schema, name in sorted(named_in(parsed[statement.sql])):
            if key := tables[statement.role].key(schema, name):
                found[key] = None
    every = next(iter(tables.values())).by_key if tables else {}
    return list(every if any(every[key].view for key in found) else found)


def _search_path(settings: Mapping[str, str], role: str) -> list[str]:
    path = settings.get("search_path", '"$user", public')
    return [role if name == "$user" else name for name in (part.strip().strip('"') for part in path.split(","))]
