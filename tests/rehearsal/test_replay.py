"""Access logs as a load."""

import gzip
from pathlib import Path

import pytest

from seachange.rehearsal.errors import ConfigError
from seachange.rehearsal.replay import MOST, RecordedLoad, read_log


def alb(created: str, request: str, *, kind: str = "https", answered: str = "2026-11-25T13:00:09.000000Z") -> str:
    """A line as an Application Load Balancer writes it."""
    return (
        f"{kind} {answered} app/shop/50dc6c495c0c9188 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.000 200 200 34 366 "
        f'"{request}" "curl/7.46.0 (a \\x22b\\x22)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 '
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 "
        f'"Root=1-58337262-36d228ad5d99923122bbe354" "shop.example.com" "-" 0 {created} "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1\n'
    )


def read(path: Path, *, keep_queries: bool = False, methods: tuple[str, ...] = ("GET", "HEAD")) -> RecordedLoad:
    return read_log(path, methods=methods, keep_queries=keep_queries)


def lines(load: RecordedLoad) -> list[str]:
    return [f"{request.method} {request.path}" for request in load.requests]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


def test_an_application_load_balancers(log: Path) -> None:
    log.write_text(
        alb("2026-11-25T13:00:04.000000Z", "GET https://shop.example.com:443/items/7?page=2 HTTP/2.0", kind="h2")
        + alb("2026-11-25T13:00:00.000000Z", "HEAD http://shop.example.com:80/ HTTP/1.1", kind="http")
        + alb("2026-11-25T13:00:01.000000Z", "POST https://shop.example.com:443/items HTTP/1.1")
        + alb("2026-11-25T13:00:01.000000Z", "GET https://shop.example.com:443/socket HTTP/1.1", kind="wss")
        + alb("2026-11-25T13:00:01.000000Z", "- http://shop.example.com:80- - ")
        + alb("2026-11-25T13:00:03.000000Z", "GET https://shop.example.com:443 HTTP/1.1")
    )
    load = read(log)
    # In the order in which they came, not in that of their answers.
    assert lines(load) == ["HEAD /", "GET /", "GET /items/7"]
    assert load.positions == pytest.approx((0, 1.5, 2))
    assert load.rate == pytest.approx(0.5)


def test_an_old_line_without_the_requests_own_time(log: Path) -> None:
    whole = alb("2026-11-25T13:00:00.000000Z", "GET http://h:80/a HTTP/1.1")
    log.write_text(whole[: whole.index(" 0 2026")] + "\n")
    assert lines(read(log)) == ["GET /a"]


def test_the_common_and_the_combined_log_format(log: Path) -> None:
    log.write_text(
        '192.0.2.7 - jane [25/Nov/2026:14:00:01 +0100] "GET /b?token=x HTTP/1.1" 200 512\n'
        '192.0.2.7 - - [25/Nov/2026:13:00:00 +0000] "GET /a HTTP/1.0" 304 - "https://e.example/?q=1" "agent \\"x\\""\n'
        '192.0.2.7 - - [25/Nov/2026:13:00:02 +0000] "-" 408 -\n'
        '192.0.2.7 - - [25/Nov/2026:13:00:02 +0000] "OPTIONS * HTTP/1.1" 200 -\n'
    )
    load = read(log, methods=("GET", "OPTIONS"))
    assert lines(load) == ["GET /a", "GET /b"]
    assert load.rate == pytest.approx(1)


def test_gzipped_and_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "logs" / "25").mkdir(parents=True)
    (tmp_path / "logs" / "25" / "1.log.gz").write_bytes(
        gzip.compress(alb("2026-11-25T13:00:05.0Z", "GET http://h:80/second HTTP/1.1").encode())
    )
    (tmp_path / "logs" / "2.log").write_text(alb("2026-11-25T13:00:00.0Z", "GET http://h:80/first HTTP/1.1"))
    assert lines(read(tmp_path / "logs")) == ["GET /first", "GET /second"]


@pytest.mark.parametrize(
    ("target", "without", "kept"),
    [
        ("/a?q=rust&page=2", "/a", "/a?q=rust&page=2"),
        ("/a?q=x&access_token=s&X-Amz-Signature=s&api_key=s&Password=s", "/a", "/a?q=x"),
        ("/a?keyword=x&countryCode=BE&accessToken=s&APIKey=s&code=s", "/a", "/a?keyword=x&countryCode=BE"),
        ("/a;jsessionid=0A1B?b=", "/a", "/a?b="),
        ("https://jane:secret@h:443/a", "/a", "/a"),
        ("/caf\u00e9/%20", "/caf%C3%A9/%20", "/caf%C3%A9/%20"),
        ("/a?next=%2Fb%20c", "/a", "/a?next=%2Fb+c"),
    ],
)
def test_queries_and_credentials_stay_out(log: Path, target: str, without: str, kept: str) -> None:
    log.write_text(f'h - - [25/Nov/2026:13:00:00 +0000] "GET {target} HTTP/1.1" 200 1\n')
    assert lines(read(log)) == [f"GET {without}"]
    assert lines(read(log, keep_queries=True)) == [f"GET {kept}"]
    assert "secret" not in repr(read(log, keep_queries=True))


def test_one_moment_has_no_rate(log: Path) -> None:
    log.write_text('h - - [25/Nov/2026:13:00:00 +0000] "GET /a HTTP/1.1" 200 1\n' * 2)
    assert read(log).rate is None
    assert read(log).positions == (0, 0)


def test_a_long_log_is_read_in_part(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST == 100_000
    monkeypatch.setattr("seachange.rehearsal.replay.MOST", 3)
    log.write_text('h - - [25/Nov/2026:13:00:00 +0000] "GET /a HTTP/1.1" 200 1\n' * 5)
    assert len(read(log).requests) == 3


def test_no_log_at_all(log: Path) -> None:
    log.write_text("a,b,c\n" * 3 + '1.2.3.4 - - [25/Nov/2026:13:00:00 +0000] "GET /a HTTP/1.1" 200 1\n')
    with pytest.raises(
        ConfigError, match="3 of 4 lines are in none of the known formats: an Application Load Balancer"
    ):
        read(log)
    log.write_bytes(b"\x1f\x8bnot gzip")
    with pytest.raises(ConfigError, match="cannot be read"):
        read(log)
    log.write_text("")
    with pytest.raises(ConfigError, match=r"holds no request with method GET or HEAD; record a longer one"):
        read(log)
