"""The page in a real browser: it needs nothing, overflows nowhere, and can be read in light, in dark, on a phone and in print."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seachange.rehearsal.report import page
from tests.rehearsal import reports
from tests.rehearsal.browser import CHROMIUM, Page, chromium

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH: the page is not looked at in a browser")

ALL = (reports.good, reports.bad, reports.machine, reports.drills)
WIDTHS = (360, 768, 1200)

# Every text and what it stands on; a colour with transparency counts as none.
CONTRASTS = """
(() => {
  const numbers = text => (text.match(/[\\d.]+/g) || []).map(Number);
  const rgb = text => text.startsWith("color(") ? numbers(text.slice(10)).map((n, i) => i < 3 ? n * 255 : n) : numbers(text);
  const light = c => {
     const [r, g, b] = c.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126*r + .7152*g + .0722*b; };
  const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const opaque = c => c.length === 3 || c[3] === 1;
  const ground = e => {
    for (let n = e; n; n = n.parentElement) { const c = rgb(getComputedStyle(n).backgroundColor); if (opaque(c)) return c; }
    return [255, 255, 255];
  };
  const found = [];
  for (const e of document.querySelectorAll("main *, footer")) {
    if (e.closest("svg") || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const style = getComputedStyle(e);
    const block = e.classList.contains("label") && document.querySelector("." + e.textContent + "-block");
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const r = ratio(rgb(style.color), block ? rgb(getComputedStyle(block).fill) : ground(e));
    if (r < (large ? 3 : 4.5)) found.push([e.className || e.tagName, e.textContent.trim().slice(0, 40), +r.toFixed(2)]);
  }
  for (const e of document.querySelectorAll(".plot path:not(.grid), .swatch path, .mark > :first-child")) {
    const style = getComputedStyle(e), ink = style.stroke !== "none" ? style.stroke : style.fill;
    if (e.classList.contains("spread") || e.classList.contains("twin-block")) continue;
    const r = ratio(rgb(ink), ground(e.closest("div, li, h1, h3, td")));
    if (r < 3) found.push([e.getAttribute("class"), "a line or shape", +r.toFixed(2)]);
  }
  return found;
})()
"""

OVERFLOWS = """
(() => {
  document.querySelectorAll("details").forEach(d => d.open = true);
  const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1);
  return [document.documentElement.scrollWidth > innerWidth, wide.map(e => (e.className.baseVal ?? e.className) || e.tagName)];
})()
"""

HEADINGS = "[...document.querySelectorAll('h1,h2,h3,h4')].filter(h => h.checkVisibility()).map(h => +h.tagName[1])"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("chromium")) as page:
        yield page


@pytest.fixture
def show(browser: Page, tmp_path: Path) -> Callable[..., Page]:
    def show(report: dict[str, Any], **how: Any) -> Page:
        path = tmp_path / "report.html"
        path.write_text(page(report), "utf-8")
        browser.open(path, **how)
        return browser

    return show


@pytest.mark.parametrize("make", ALL)
def test_it_needs_no_script_no_network_and_says_nothing_on_the_console(
    make: Callable[[], dict[str, Any]], show: Callable[..., Page]
) -> None:
    shown = show(make())
    assert shown.evaluate("document.readyState") == "complete"
    assert shown.evaluate("document.scripts.length") == 0
    asked = [
        event["params"]["request"]["url"] for event in shown.events if event["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1
    spoken = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
    assert [event for event in shown.events if event["method"] in spoken] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("make", ALL)
def test_nothing_overflows(make: Callable[[], dict[str, Any]], width: int, show: Callable[..., Page]) -> None:
    report = make()
    report["repeat"] = "seachange rehearse --config " + "a-long-folder/" * 20 + "rehearsal.toml"
    if "alarms" in report:
        report["alarms"][0]["name"] = "AnAlarmWithANameThatSomebodyMadeUpWithoutAnyThoughtOfPhones" * 2
        report["not_rehearsed"].append("ENVIRONMENT=" + "0123456789abcdef" * 30)
    assert show(report, width=width).evaluate(OVERFLOWS) == [False, []]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("make", ALL)
def test_text_and_lines_stand_out(make: Callable[[], dict[str, Any]], dark: bool, show: Callable[..., Page]) -> None:
    shown = show(make(), dark=dark)
    assert shown.evaluate(CONTRASTS) == []
    ground = shown.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, ground.strip("rgb()").split(","))) < 200) is dark


def test_colour_is_never_the_only_mark(show: Callable[..., Page]) -> None:
    shown = show(reports.bad())
    style = "[...document.querySelectorAll('.plot .%s')].map(e => (s => [s.strokeDasharray, s.strokeWidth])(getComputedStyle(e)))[0]"
    lines = [tuple(shown.evaluate(style % name)) for name in ("blue-line", "green-line")]
    assert len(set(lines)) == 2
    assert len({tuple(shown.evaluate(style % name)) for name in ("p50", "p90", "p99", "max", "slow")}) == 5
    assert shown.evaluate("[...document.querySelectorAll('.chip')].every(c => c.textContent === c.classList[1])")
    assert shown.evaluate("document.querySelector('.band.alarm b').textContent") == "ALARM"
    shapes = (
        "[...document.querySelectorAll('.mark')].map(m => m.getAttribute('aria-label') + m.firstElementChild.tagName)"
    )
    assert set(shown.evaluate(shapes)) == {"holdscircle", "does not holdrect", "openpath"}


@pytest.mark.parametrize("make", ALL)
def test_who_does_not_see_it_gets_headings_tables_and_summaries(
    make: Callable[[], dict[str, Any]], show: Callable[..., Page]
) -> None:
    shown = show(make())
    levels = shown.evaluate(HEADINGS)
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 or (before, after) == (1, 3) for before, after in pairwise(levels))
    unnamed = "[...document.querySelectorAll('svg, table, [role=img]')].filter(e => !e.ariaLabel && e.ariaHidden !== 'true').length"
    assert shown.evaluate(unnamed) == 0
    assert shown.evaluate("document.documentElement.lang") == "en"
    assert shown.evaluate("document.title").strip() != ""


@pytest.mark.parametrize("width", WIDTHS)
def test_all_lanes_share_one_axis(width: int, show: Callable[..., Page]) -> None:
    shown = show(reports.bad(), width=width)
    edges = "[...new Set([...document.querySelectorAll('.timeline .plot')].filter(p => p.checkVisibility())"
    edges += ".map(p => p.getBoundingClientRect()).map(r => Math.round(r.left) + '-' + Math.round(r.right)))]"
    assert len(shown.evaluate(edges)) == 1
    left = "document.querySelector('%s').getBoundingClientRect().left"
    fired, band = shown.evaluate(left % ".guides .fired"), shown.evaluate(left % ".band.alarm")
    assert fired == pytest.approx(band, abs=1.5)
    # Green gets its first requests where the shift begins, within the second that the plan's clock waits for a whole slice.
    block = shown.evaluate("document.querySelector('.plot .green-block').getAttribute('d')")
    start = next(
        corner for corner in block.removeprefix("M").removesuffix("Z").split("L") if not corner.endswith(" 100")
    )
    assert float(start.split()[0]) == pytest.approx(100 * 25 / 34, abs=0.1)


def test_print_shows_what_is_folded_on_a_screen(show: Callable[..., Page]) -> None:
    shown = show(reports.good(), width=703)
    folded = "[...document.querySelectorAll('details *')].filter(e => e.parentElement.tagName !== 'SUMMARY').every(e => e.checkVisibility())"
    assert shown.evaluate(folded) is False
    shown.call("Emulation.setEmulatedMedia", media="print")
    try:
        assert shown.evaluate(folded) is True
        assert shown.evaluate(OVERFLOWS) == [False, []]
        assert shown.pdf().startswith(b"%PDF")
    finally:
        shown.call("Emulation.setEmulatedMedia", media="")


def test_what_others_wrote_is_text_and_nothing_else(show: Callable[..., Page]) -> None:
    hostile = "<img src=x onerror=alert(1)><script>alert(1)</script>"
    report = reports.bad(reasons=[hostile], recommendations=[hostile], repeat=hostile, not_rehearsed=[hostile])
    report["incidents"]["listed"][0] |= {"cause": hostile, "path": hostile}
    report["alarms"][0] |= {"name": hostile, "condition": hostile, "cannot_see": hostile}
    report["timeline"]["phases"][2]["name"] = hostile
    shown = show(report)
    assert shown.evaluate("document.querySelectorAll('img, script').length") == 0
    assert shown.evaluate("document.querySelector('.reasons li').textContent") == hostile


def test_what_a_refused_release_never_had_is_said(show: Callable[..., Page]) -> None:
    """The least that a rehearsal leaves: refused by its migration, before green started."""
    report = reports.good(
        verdict="fail",
        at_fault="release",
        reasons=["the deployment was refused by its migration"],
        outcome={"kind": "refused", "why": "by its migration"},
        aa=None,
        latency_claims=[],
        alarms=[],
        smoke=[],
        latency_ms={"baseline": {}, "migration": {}, "shift": {}},
    )
    report["machine"] |= {"cpu_percent": {}, "send_lag_ms": {}}
    report["migration"] |= {"from": "", "to": "", "revisions": [], "costs": []}
    report["shift"] |= {"steps": [], "duration_s": 0.0}
    report["timeline"] |= {"alarms": [], "migration": [], "lock_waits": [], "colours": [], "seconds": []}
    report["timeline"]["phases"] = report["timeline"]["phases"][:4]
    report["timeline"]["weights"] = report["timeline"]["weights"][:2]
    shown = show(report)
    text = shown.evaluate("document.querySelector('main').innerText")
    for words in (
        "This release was refused",
        "traffic never began to shift",
        "No revision ran.",
        "was not compared with itself",
        "None was watched.",
        "no session was seen waiting",
    ):
        assert words in text
    assert shown.evaluate(CONTRASTS) == []


def test_the_phones_page_keeps_every_lane_and_every_phase(show: Callable[..., Page]) -> None:
    shown = show(reports.good(), width=360)
    titles = "[...document.querySelectorAll('.timeline h3')].filter(h => h.checkVisibility()).map(h => h.textContent)"
    assert shown.evaluate(titles) == [
        "Phases",
        "Traffic",
        "Requests per second",
        "Latency",
        "Failed for clients",
        "Errors, blue's group",
        "Errors, green's group",
        "Alarms",
        "Migration",
        "Waits for locks",
    ]
    phases = shown.evaluate("[...document.querySelectorAll('.phase-list li')].map(l => l.firstChild.data.trim())")
    assert phases == [name for name, _, _ in reports.PHASES]
