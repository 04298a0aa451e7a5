"""One line of an Application Load Balancer's access log."""

from datetime import UTC, datetime

import pytest

from seachange.plan.alb_log import AlbEntry, is_alb

BEFORE = "h2 2026-11-25T13:00:09.500000Z app/shop/50dc6c495c0c9188 192.0.2.7:2817 10.0.0.1:80 0.000 0.125 0.000 502 200 34 366"
REQUEST = '"GET https://shop.example.com:443/items/7?page=2 HTTP/2.0"'
AFTER = (
    '"agent \\x22 0 2001-01-01T00:00:00Z \\x22 of a client" ECDHE TLSv1.2 arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/73e2 '
    '"Root=1-58337262" "shop.example.com" "-" -1'
)
LATER = '2026-11-25T13:00:01.000000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-" TID_1 and what AWS adds\n'
AT = datetime(2026, 11, 25, 13, 0, tzinfo=UTC).timestamp()


def test_its_fields() -> None:
    entry = AlbEntry(f"{BEFORE} {REQUEST} {AFTER} {LATER}")
    assert (entry.answered_s, entry.created_s) == (AT + 9.5, AT + 1)
    assert (entry.target, entry.target_processing_s, entry.target_status) == ("10.0.0.1:80", 0.125, "200")
    assert entry.request == "GET https://shop.example.com:443/items/7?page=2 HTTP/2.0"
    assert not entry.is_websocket


def test_an_old_line_does_not_say_when_the_request_came() -> None:
    entry = AlbEntry(f"{BEFORE} {REQUEST} {AFTER}\n")
    assert entry.created_s is None
    assert entry.request.startswith("GET ")


def test_what_is_not_asked_for_is_not_looked_at() -> None:
    entry = AlbEntry(f"{BEFORE} no request at all\n")
    assert (entry.answered_s, entry.target_status) == (AT + 9.5, "200")
    for asked in ("request", "created_s"):
        with pytest.raises(ValueError, match="no request"):
            getattr(entry, asked)
    cut = AlbEntry("https 2026-11-25T13:00:09.500000Z app/shop/50dc")
    assert cut.answered_s == AT + 9.5
    for asked in ("target", "request", "created_s"):
        with pytest.raises(IndexError):
            getattr(cut, asked)


@pytest.mark.parametrize("kind", ["http", "https", "h2", "grpcs", "ws", "wss"])
def test_every_kind_of_connection(kind: str) -> None:
    assert is_alb(f"{kind} 2026-11-25T13:00:09.500000Z app/shop/50dc")
    assert AlbEntry(kind).is_websocket == kind.startswith("ws")


def test_another_log() -> None:
    assert not is_alb('192.0.2.7 - - [25/Nov/2026:13:00:00 +0000] "GET /a HTTP/1.0" 304 -')
    assert not is_alb("httpx 2026-11-25T13:00:09.500000Z")
