"""`rehearsal.toml` and `[tool.seachange.rehearsal]`: what is read, and what is refused with which words."""

import textwrap
from pathlib import Path

import pytest

from seachange.rehearsal.config import RehearsalConfig
from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.load.request import Request, template
from seachange.rehearsal.stage.launch import local_command

WHOLE = """
[service]
start = ["python", "-m", "shop", "{{port}}"]

[seed]
sql = "seed.sql"
rows = 1000

[load]
rate = 50

[[load.requests]]
path = "/"
expect = [200]

[views]
blue = "SELECT 1"
green = "SELECT 1"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A service's folder with what a configuration may name."""
    (tmp_path / "seed.sql").write_text("SELECT 1")
    (tmp_path / "traffic.py").write_text("")
    (tmp_path / "prod.dump").write_bytes(b"PGDMP")
    (tmp_path / "access.log").write_text(
        '::1 - - [25/Nov/2026:13:00:00 +0000] "GET /a?x=1 HTTP/1.1" 200 5\n'
        '::1 - - [25/Nov/2026:13:00:10 +0000] "GET /b HTTP/1.1" 200 5\n'
    )
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    return tmp_path


def load(folder: Path, text: str = WHOLE, name: str = "rehearsal.toml") -> RehearsalConfig:
    path = folder / name
    path.write_text(text)
    return RehearsalConfig.load(path)


def changed(before: str, after: str) -> str:
    assert WHOLE.count(before) == 1
    return WHOLE.replace(before, after)


def test_both_colours_are_the_service_by_default(folder: Path) -> None:
    config = load(folder)
    assert config.source("blue") == config.source("green") == config.blue
    assert config.blue.directory == folder
    assert config.blue.start == ("python", "-m", "shop", "{{port}}")
    assert (config.blue.revision, config.blue.image, config.blue.environment) == (None, None, {})
    assert (config.rate, config.rows, config.seed_sql, config.dump) == (50, 1000, folder / "seed.sql", None)
    assert config.requests == (Request(path="/", expect=(200,)),)
    assert (config.cookies, config.function, config.replay, config.ready_timeout_s) == (False, None, None, 30)


def test_each_colour_may_override(folder: Path) -> None:
    own = '[blue]\nrevision = "v1.2"\n[green]\ndirectory = "new"\nstart = ["python", "new.py"]\n'
    config = load(folder, WHOLE + own)
    assert (config.blue.revision, config.blue.directory, config.blue.start[-1]) == ("v1.2", folder, "{{port}}")
    assert (config.green.revision, config.green.directory, config.green.start) == (
        None,
        folder / "new",
        ("python", "new.py"),
    )


def test_a_revision_may_say_where_in_it(folder: Path) -> None:
    config = load(folder, WHOLE + '[blue]\nrevision = "v1"\ndirectory = "old"\n')
    assert (config.blue.revision, config.blue.directory) == ("v1", folder / "old")


def test_an_own_directory_stands_against_the_services_revision(folder: Path) -> None:
    config = load(folder, changed("[service]\n", '[service]\nrevision = "main"\n') + '[green]\ndirectory = "new"\n')
    assert (config.blue.revision, config.green.revision) == ("main", None)


def test_an_image_has_a_command_of_its_own(folder: Path) -> None:
    config = load(folder, WHOLE + '[blue]\nimage = "shop:1"\n[green]\nimage = "shop:2"\nstart = ["serve"]\n')
    assert (config.blue.image, config.blue.start) == ("shop:1", ())
    assert (config.green.image, config.green.start) == ("shop:2", ("serve",))


def test_a_services_image_needs_no_command(folder: Path) -> None:
    config = load(folder, changed('start = ["python", "-m", "shop", "{{port}}"]', 'image = "shop:1"'))
    assert (config.green.image, config.green.start) == ("shop:1", ())


def test_local_values_take_the_databases(folder: Path) -> None:
    values = 'URL = "postgresql://{{database_user}}:{{ database_password }}@h/{{database_name}}"\nKEY = "k"\n'
    source = load(folder, WHOLE + f"[service.environment]\n{values}").green
    database = {"database_user": "app", "database_password": "p", "database_name": "shop"}
    assert source.local_environment({"PORT": "80"}, database) == {"URL": "postgresql://app:p@h/shop", "KEY": "k"}
    with pytest.raises(ConfigError, match=r"gives KEY, which the template gives too \('template'\); take it out"):
        source.local_environment({"KEY": "template"}, database)


def test_the_load_may_be_a_function(folder: Path) -> None:
    text = changed('[[load.requests]]\npath = "/"\nexpect = [200]\n', 'function = "traffic:ask"\ncookies = true\n')
    config = load(folder, text)
    assert (config.function, config.requests, config.cookies) == ("traffic:ask", (), True)


def test_the_load_may_be_a_log(folder: Path) -> None:
    log = '[load.replay]\nlog = "access.log"\n'
    config = load(folder, changed('[[load.requests]]\npath = "/"\nexpect = [200]\n', log))
    assert config.replay is not None
    assert config.replay.requests == (("GET", "/a"), ("GET", "/b"))
    assert config.requests == ()
    assert (config.replay.positions, config.rate) == (None, 50)
    recorded = changed(
        'rate = 50\n\n[[load.requests]]\npath = "/"\nexpect = [200]\n',
        f'{log}timing = "recorded"\nkeep_queries = true\n',
    )
    config = load(folder, recorded)
    assert config.replay is not None
    assert config.replay.requests == (("GET", "/a?x=1"), ("GET", "/b"))
    # The recorded rate is the default, and two requests in ten seconds are one gap.
    assert (config.replay.positions, config.rate) == ((0.0, 1.0), pytest.approx(0.1))


def test_a_dump_seeds_in_place_of_sql(folder: Path) -> None:
    config = load(folder, changed('sql = "seed.sql"\nrows = 1000', 'dump = "prod.dump"'))
    assert (config.dump, config.seed_sql, config.rows) == (folder / "prod.dump", None, None)


def in_pyproject(text: str) -> str:
    return "[project]\nname = 'shop'\n" + text.replace("[[", "[[tool.seachange.rehearsal.").replace(
        "\n[s", "\n[tool.seachange.rehearsal.s"
    ).replace("\n[l", "\n[tool.seachange.rehearsal.l").replace("\n[v", "\n[tool.seachange.rehearsal.v")


def test_pyproject_holds_it_too(folder: Path) -> None:
    config = load(folder, in_pyproject(WHOLE), "pyproject.toml")
    assert config.rows == 1000
    assert RehearsalConfig.load(folder) == config
    with pytest.raises(ConfigError, match=r"`tool\.seachange\.rehearsal\.load\.rate` must be a number above 0"):
        load(folder, in_pyproject(changed("rate = 50", "rate = 0")), "pyproject.toml")


def test_in_a_folder_its_own_file_comes_first(folder: Path) -> None:
    load(folder, in_pyproject(changed("rows = 1000", "rows = 7")), "pyproject.toml")
    load(folder)
    assert RehearsalConfig.load(folder).rows == 1000


def test_where_nothing_is(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"neither a rehearsal\.toml nor a pyproject\.toml with"):
        RehearsalConfig.load(folder)
    with pytest.raises(ConfigError, match="does not exist; name the service's file with --config"):
        RehearsalConfig.load(folder / "rehearsal.toml")
    with pytest.raises(ConfigError, match=r"has no table \[tool\.seachange\.rehearsal\]; add it"):
        load(folder, "[project]\nname = 'shop'\n", "pyproject.toml")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[service]\n", "[service]\nstrat = 1\n", r"`service.strat` is no key .* did you mean `start`\?"),
        ("[service]", "[servise]", r"`servise` is no key .* did you mean `service`\?"),
        ("rate = 50", "rate = 50\nqqq = 1", "`load.qqq` is no key .* the keys there are rate, "),
        ("expect =", "expects =", r"`load.requests\[0\].expects` is no key .* did you mean `expect`\?"),
        ("rows = 1000", "rows = 1.5", "`seed.rows` must be a whole number above 0; it is 1.5"),
        ("rows = 1000", 'dump = "prod.dump"', "`seed.sql` and `seed.dump` exclude each other; leave one out"),
        ('sql = "seed.sql"', 'dump = "prod.dump"', "`seed.dump` and `seed.rows` exclude each other"),
        ('sql = "seed.sql"\nrows = 1000', "", "`seed.sql` must be a text, or give `dump`; it is missing"),
        ('"seed.sql"', '"absent.sql"', "`seed.sql` names .*absent.sql, which does not exist"),
        ("rate = 50", 'rate = 50\nfunction = "traffic:ask"', "`load.requests` and `load.function` exclude each other"),
        ('path = "/"', 'path = "x"', "GET x: `path` must begin with /"),
        ('path = "/"', 'path = "/{{id}}"', r"GET /\{\{id\}\} uses \{\{id\}\}; give it a query in \[load.values\]"),
        ('path = "/"', 'path = "/"\nmethod = "get"', "get /: `method` must be an HTTP method in capitals"),
        ('path = "/"', 'path = "/"\nheaders = { Host = "x" }', "GET /: `headers` must not hold 'Host'"),
        ('path = "/"', 'path = "/"\nheaders = { A = "x\\r\\nB: y" }', "must be names with texts of one ASCII line"),
        ("expect = [200]", "expect = []", r"`load.requests\[0\].expect` must be a list of HTTP status codes"),
        (
            "[service]\n",
            '[service]\nimage = "a"\ndirectory = "old"\n',
            "`service.directory` and `service.image` exclude",
        ),
        ("[service]\n", '[service]\nimage = "a"\nrevision = "b"\n', "`service.revision` and `service.image` exclude"),
        (
            "[service]\n",
            '[service]\ndirectory = "absent"\n',
            "`service.directory` names .*absent, which does not exist",
        ),
        ('"python", "-m"', '"pythonn", "-m"', r"'pythonn' is neither .* install it or change \[service\] start"),
        (
            "[views]",
            "[service.environment]\nA = '{{b}}'\n[views]",
            r"`service.environment.A` uses \{\{b\}\}; there are",
        ),
    ],
)
def test_what_is_refused(folder: Path, before: str, after: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as refused:
        load(folder, changed(before, after))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", r"\[load\] says nothing to send; give"),
        ('function = "traffic"', "`load.function` must be a text such as \"package.module:function\"; it is 'traffic'"),
        ('function = "trafic:ask"', "there is no module 'trafic' in "),
        ('replay = { log = "access.log", methods = ["POST"] }', "a log holds no bodies"),
        ('replay = { log = "access.log", timing = "fast" }', '`load.replay.timing` must be "even" or "recorded"'),
        ('replay = { log = "seed.sql" }', "1 of 1 lines are in none of the known formats"),
        ('replay = { log = "access.log", methods = ["HEAD"] }', "holds no request with method HEAD"),
    ],
)
def test_loads_that_are_refused(folder: Path, lines: str, said: str) -> None:
    text = changed('[[load.requests]]\npath = "/"\nexpect = [200]\n', lines + "\n")
    with pytest.raises(ConfigError, match=said):
        load(folder, text)


def test_a_template_holds_no_values() -> None:
    paths = {
        "/api/v1/customers/{{id}}?page=2": "/api/v1/customers/{{id}}",
        "/api/v2/orders/17/lines": "/api/v2/orders/*/lines",
        "/u/jane@example.com": "/u/*",
        "/files/%C3%A9t%C3%A9": "/files/*",
        "/reset/" + "a" * 41: "/reset/*",
        "/": "/",
    }
    assert {path: template(path) for path in paths} == paths


def test_a_mistake_in_the_file_is_told_with_its_place(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"rehearsal\.toml cannot be read: .*line 3"):
        load(
            folder,
            textwrap.dedent("""\
            [service]
            start = [
            rate
            """),
        )


def test_the_guides_example_can_be_read(folder: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "guide" / "rehearsal-toml.md"
    example = guide.read_text("utf-8").partition("```toml\n")[2].partition("```")[0]
    assert load(folder, example).blue.revision == "v1.4"


def test_without_a_command_the_templates_is_taken(folder: Path) -> None:
    assert load(folder, changed('start = ["python", "-m", "shop", "{{port}}"]', "")).blue.start == ()


def test_a_containers_command_becomes_a_tasks() -> None:
    command = [
        "uvicorn",
        "shop:app",
        "--host",
        "0.0.0.0",
        "--port",
        "9000",
        "--bind",
        "0.0.0.0:9000",
        "--limit",
        "19000",
    ]
    assert local_command(command, 9000) == (
        *("uvicorn", "shop:app", "--host", "127.0.0.1", "--port", "{{port}}"),
        *("--bind", "127.0.0.1:{{port}}", "--limit", "19000"),
    )
