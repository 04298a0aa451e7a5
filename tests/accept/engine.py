"""Shows, a line each, that the migration engine keeps its promises: in a fresh clone, with a clean home and cache. Ends non-zero on a miss.

Takes about an hour and three quarters, of which PostgreSQL 15 to 18 take the half. With names of checks only those are shown, for
instance `make accept-engine ONLY="gentle fast"`; what comes after `survives` reads what that or `tests` wrote, so name it too.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from tests.accept.promises import NewUser, Outcomes, hold, show

_KILLS, _HOLD_S, _EXAMPLES, _WRITING_S = 200, 60, 3000, 60
_VERSIONS = (15, 16, 17, 18)
_CHAINS = 4
_LONG = "tests/survival", "tests/migrations/sync", "tests/migrations/backfill"


class Engine:
    """Everything that must hold, in the order of the promises."""

    def __init__(self, parent: Path) -> None:
        self.user = NewUser(parent, "user")
        self.user.make("setup")
        self.outcomes = Outcomes(self.user.clone)
        self.figures: dict[int, str] = {}

    def tests(self) -> str:
        self.user.make("test")
        self.outcomes = Outcomes(self.user.clone)
        return f"{len(self.outcomes)} tests passed (make test, exit 0)"

    def versions(self) -> str:
        self.user.make("test-postgres")
        counts = [len(Outcomes(self.user.clone, f"postgres-{version}.xml")) for version in _VERSIONS]
        hold(min(counts) == max(counts) > 0, f"tests per version: {counts}")
        return f"{counts[0]} tests of the engine passed on each of PostgreSQL {', '.join(map(str, _VERSIONS))}, with TLS verified"

    def gentle(self) -> str:
        return self._profile("gentle", 1_000_000)

    def fast(self) -> str:
        return self._profile("fast", 1_000_000)

    def gentle_over_five_million(self) -> str:
        return self._profile("gentle", 5_000_000)

    def fast_over_five_million(self) -> str:
        return self._profile("fast", 5_000_000)

    def beside(self) -> str:
        peers = [
            line.strip()
            for rows in sorted(self.figures)
            for line in self.figures[rows].splitlines()
            if line.split()[:1] in (["article"], ["pgroll"])
        ]
        hold(len(peers) == 2 * len(self.figures) > 0, f"the benchmark printed {peers}")
        return f"in the same runs: {'; '.join(re.sub(' +', ' ', line) for line in peers)}"

    def trigger(self) -> str:
        return self._bench("benchmarks.sync_cost")

    def package(self) -> str:
        return self._bench("benchmarks.package")

    def survives(self) -> str:
        variables = {
            "SEACHANGE_KILLS": str(_KILLS),
            "SEACHANGE_HOLD_S": str(_HOLD_S),
            "SEACHANGE_EXAMPLES": str(_EXAMPLES),
            "SEACHANGE_WRITING_S": str(_WRITING_S),
        }
        self._python("-m", "pytest", "-q", "--junitxml=build/tests/survival.xml", *_LONG, **variables)
        # Of these names others ran too, with fewer kills: what they found is not this line's.
        self.outcomes = Outcomes(self.user.clone, "survival.xml")
        return f"tests/survival and the random ones of sync and backfill passed with {_KILLS} kills and {_EXAMPLES} interleavings each"

    def killed(self) -> str:
        self.outcomes.passed("test_killed_at_random_moments")
        return f"SIGKILL at {_KILLS} random moments under load: schema and data as after an undisturbed run"

    def eight_deployers(self) -> str:
        self.outcomes.passed("test_eight_deployers_at_once")
        return "eight deployers at once: each revision applied once, none fails"

    def restart(self) -> str:
        self.outcomes.passed("test_the_server_restarts_in_the_middle_of_a_batch*")
        return "the server restarts in mid-batch: the migration goes on"

    def long_transaction(self) -> str:
        self.outcomes.passed("test_a_transaction_holds_the_table")
        return f"a transaction holds the table for {_HOLD_S} s: nobody queues behind the migration, which waits and names it"

    def canceled_index(self) -> str:
        self.outcomes.passed("test_somebody_cancels_the_concurrent_index_build*")
        return "a canceled CREATE INDEX CONCURRENTLY leaves an invalid index, which the next try rebuilds"

    def bad_input(self) -> str:
        # `make test` ran them without a chosen version of PostgreSQL, `make test-postgres` with each.
        outcomes = Outcomes(self.user.clone)
        outcomes.passed(
            "test_no_migrations_directory",
            "test_a_syntax_error_in_a_revision",
            "test_two_heads",
            "test_a_database_with_a_revision_that_is_unknown_or_newer_than_the_code*",
            "test_wrong_credentials",
            "test_a_server_without_tls",
            "test_a_certificate_of_another_authority*",
            "test_a_certificate_for_another_host",
            "test_a_web_server*",
            "test_a_closed_port",
            "test_what_is_no_url_of_postgresql*",
            "test_a_server_that_is_too_old",
        )
        return "one clear line with the remedy, exit 2, the database as it was"

    def chains(self) -> str:
        printed = self.user.make("test-chains")
        found = re.findall(r"^(\w+): (\d+) revisions in \S+ s, engine$", printed, re.MULTILINE)
        hold(len(found) >= _CHAINS, f"make test-chains printed {printed[-500:]}")
        return f"to head with the schema of plain Alembic: {', '.join(f'{name} ({count} revisions)' for name, count in found)}"

    def _profile(self, profile: str, rows: int) -> str:
        if rows not in self.figures:
            self.figures[rows] = self._python("-m", "benchmarks.engine", str(rows))
        lines = re.findall(rf"^  (holds|MISSES) +({profile}: .*)$", self.figures[rows], re.MULTILINE)
        hold(len(lines) == 3, f"the benchmark printed {self.figures[rows]}")
        text = "; ".join(line.removeprefix(f"{profile}: ") for _, line in lines)
        hold(all(held == "holds" for held, _ in lines), f"{rows:,} rows: {text}")
        return f"{rows:,} rows: {text}"

    def _bench(self, module: str) -> str:
        """A benchmark that prints its promise last, with whether it holds."""
        *_, last = self._python("-m", module).strip().splitlines()
        held, _, text = last.strip().partition(" ")
        hold(held == "holds", last)
        return text.strip()

    def _python(self, *arguments: str, **environment: str) -> str:
        """What Python printed, with Node for jsii and the clone's tools on PATH."""
        script = 'PATH="$PWD/.venv/bin:$PATH" JSII_NODE="$(tools/node-bin)/node" exec .venv/bin/python "$@"'
        return self.user.run("sh", "-c", script, "python", *arguments, **environment)

    def checks(self) -> list[Callable[[], str]]:
        """All of them, in order."""
        return [
            self.tests,
            self.versions,
            self.gentle,
            self.fast,
            self.gentle_over_five_million,
            self.fast_over_five_million,
            self.beside,
            self.trigger,
            self.package,
            self.survives,
            self.killed,
            self.eight_deployers,
            self.restart,
            self.long_transaction,
            self.canceled_index,
            self.bad_input,
            self.chains,
        ]


if __name__ == "__main__":
    sys.exit(show(lambda parent: Engine(parent).checks(), only=sys.argv[1:]))
