"""The report's page in a real browser: drawn, readable, and silent on the network."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.report import sample
from harness.report.html import page

pytestmark = pytest.mark.static

PROGRAM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
FLAGS = """
--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-default-apps --disable-extensions --disable-dev-shm-usage
--hide-scrollbars --remote-debugging-pipe
"""
NARROW, WIDE = 360, 1400
PROBES = (Path(__file__).parent / "report_page_probes.js").read_text(encoding="utf-8")
SAMPLES = {
    "passed": sample.report(),
    "failed": sample.report(failed=True),
    "incomplete": sample.report(complete=False),
    "large": sample.report(large=True),
    "large-failed": sample.report(large=True, failed=True),
}


class Browser:
    """Headless Chromium behind the DevTools protocol over a pipe: no port, and no request to anywhere but files."""

    def __init__(self, profile: Path) -> None:
        assert PROGRAM
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        # the browser reads from descriptor 3 and writes to 4; ours are moved out of the way of these numbers first
        read, write = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs_in, theirs_out))

        def descriptors() -> None:
            os.dup2(read, 3)
            os.dup2(write, 4)

        self._process = subprocess.Popen(
            [
                PROGRAM,
                *FLAGS.split(),
                "--host-resolver-rules=MAP * ~NOTFOUND",
                f"--user-data-dir={profile}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=descriptors,
            start_new_session=True,
        )
        for fd in (theirs_in, theirs_out, read, write):
            os.close(fd)
        self._in, self._out, self._buffer = ours_in, ours_out, b""
        self._ids = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        self._session = None
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (OSError, EOFError, TimeoutError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        os.close(self._out)

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError("the browser did not answer")
            if not (read := os.read(self._in, 1 << 16)):
                raise EOFError("the browser went away")
            self._buffer += read
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and return its result; events that come meanwhile are kept."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 30
        while (answer := self._receive(deadline)).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer)
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, file: Path, *, width: int = WIDE, dark: bool = False, scripts: bool = True) -> None:
        """Load a page of that width (CSS pixels) in light or dark; return once it is drawn."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.events.clear()
        self.call("Page.navigate", url=file.as_uri())
        deadline = time.monotonic() + 30
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._receive(deadline))
        if scripts:
            self.ask("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def ask(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def probe(self, call: str) -> Any:
        """Return the result of a function in `report_page_probes.js`."""
        return self.ask(f"{PROBES.strip()}.{call}")

    def complaints(self) -> list[str]:
        """Return what the page wrote to the console, threw, or had refused since it was opened."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in kinds]

    def requests(self) -> list[str]:
        """Return the addresses that the page asked for since it was opened, data inside the page left out."""
        sent = [event["params"] for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent if not one["request"]["url"].startswith("data:")]

    def screenshot(self, file: Path) -> None:
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(shot["data"]))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("no browser here: neither chromium nor chromium-browser nor google-chrome is on PATH")
    opened = Browser(tmp_path_factory.mktemp("profile"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    directory = tmp_path_factory.mktemp("pages")
    for name, report in SAMPLES.items():
        (directory / f"{name}.html").write_text(page(report), encoding="utf-8")
    return {name: directory / f"{name}.html" for name in SAMPLES}


@pytest.mark.parametrize("width", [NARROW, WIDE])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.refutes("grey on grey, text that is too small, a page that is wider than the window")
def test_the_page_is_readable(browser: Browser, pages: dict[str, Path], name: str, dark: bool, width: int) -> None:
    """Text is at least 11 px high with contrast AA, nothing overlaps, and the page never scrolls sideways."""
    browser.open(pages[name], width=width, dark=dark)
    assert browser.ask("document.documentElement.scrollWidth") <= width
    assert browser.ask("document.body.scrollWidth") <= width
    assert browser.probe("small()") == []
    assert browser.probe("faint()") == []
    assert browser.probe("covered()") == []
    assert browser.complaints() == []


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        ("document.querySelector('.lead').style.fontSize = '9px'", "small().length"),
        ("document.querySelector('.lead').style.color = 'light-dark(#999, #555)'", "faint().length"),
        ("document.querySelector('.sync .objects').style.marginLeft = '-40px'", "covered().length"),
        ("document.querySelector('table').style.width = '1500px'", "texts() && document.body.scrollWidth > 1400"),
    ],
    ids=["small", "faint", "covered", "wide"],
)
@pytest.mark.refutes("a probe that sees nothing")
def test_the_probes_see_a_spoiled_page(browser: Browser, pages: dict[str, Path], spoil: str, seen: str) -> None:
    """Each thing that the test above asks is false of a page that was made worse in that way."""
    browser.open(pages["passed"])
    browser.ask(f"{spoil}; 0")
    assert browser.probe(seen)


@pytest.mark.parametrize("name", ["passed", "large"])
@pytest.mark.refutes("a layout that puts boxes on top of each other")
def test_the_graph_is_drawn(browser: Browser, pages: dict[str, Path], name: str) -> None:
    """Every component and every requirement is drawn, inside the picture, without one box over another."""
    browser.open(pages[name])
    drawn, graph = browser.probe("graph()"), SAMPLES[name].graph
    width, height = drawn["all"]
    assert len(drawn["nodes"]) == len(graph.components)
    assert len(drawn["edges"]) == len({(edge.from_, edge.to) for edge in graph.edges})
    for x, y, w, h in drawn["nodes"]:
        assert w > 60 and h > 30 and x >= 0 and y >= 0 and x + w <= width and y + h <= height
    for (ax, ay, aw, ah), (bx, by, bw, bh) in itertools.combinations(drawn["nodes"], 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    for text, (bx, _, bw, _), (tx, _, tw, _) in drawn["texts"]:
        assert bx < tx and tx + tw < bx + bw, f"{text} does not fit its box"
    for (_, _, w, h), stroke, title in drawn["edges"]:
        assert w + h > 20 and stroke != "none" and "port" in title


@pytest.mark.refutes("a timeline whose bars have no length")
def test_the_timeline_has_a_bar_for_each_group_of_objects(browser: Browser, pages: dict[str, Path]) -> None:
    """Each row of a sync has a bar inside its track, and rows of a later wave begin later."""
    browser.open(pages["passed"])
    first = browser.probe("bars()")[0]
    assert len(first) == 12 and all(left >= 0 and w > 0.5 and right >= 0 and h > 8 for left, w, right, h in first)
    starts = [left for left, *_ in first]
    assert starts[0] < starts[4] < starts[-1]


@pytest.mark.refutes("a font, a script or an image from elsewhere")
def test_no_request_leaves_the_page(browser: Browser, pages: dict[str, Path], tmp_path: Path) -> None:
    """The browser asks for the file itself and for nothing else; what is smuggled in is refused by its policy."""
    browser.open(pages["large"])
    assert browser.requests() == [pages["large"].as_uri()]
    tampered = tmp_path / "tampered.html"
    smuggled = '<img src="http://127.0.0.1:9/x.png"><style>p{color:red}</style></body>'
    tampered.write_text(pages["passed"].read_text(encoding="utf-8").replace("</body>", smuggled), encoding="utf-8")
    browser.open(tampered)
    assert len([one for one in browser.complaints() if "Content Security Policy" in one]) == 2
    assert browser.ask("getComputedStyle(document.querySelector('p')).color") != "rgb(255, 0, 0)"


@pytest.mark.refutes("a failure below the fold")
def test_failures_come_first_and_are_open(browser: Browser, pages: dict[str, Path]) -> None:
    """What failed is the first section, with its message open; a run without failures has no such section."""
    browser.open(pages["failed"])
    assert browser.ask("document.querySelector('main section').id") == "failures"
    assert browser.ask("document.querySelector('.failure pre').checkVisibility()")
    assert "Unchanged" in browser.ask("document.querySelector('.failure pre').textContent")
    assert browser.ask("document.querySelector('h1').textContent") == "Failed: 1 of 15"
    browser.open(pages["incomplete"])
    assert browser.ask("document.getElementById('failures')") is None
    assert browser.ask("document.querySelector('.verdict').className") == "verdict incomplete"
    assert "passed" not in browser.ask("document.querySelector('.verdict').textContent").lower()


@pytest.mark.refutes("a filter that hides nothing, or everything")
def test_assertions_are_filtered_by_outcome_tier_and_text(browser: Browser, pages: dict[str, Path]) -> None:
    """The list follows the three fields; without JavaScript it is whole and the fields are not shown."""
    browser.open(pages["failed"])

    def choose(field: str, value: str) -> int:
        number: int = browser.probe(f"choose({field!r}, {value!r})")
        return number

    assert browser.probe("rows()") == 15
    assert choose("outcome", "failed") == 1
    assert (choose("outcome", ""), choose("tier", "static")) == (15, 6)
    assert (choose("text", "schema IAM"), choose("text", "no such words")) == (1, 0)
    assert browser.ask("document.getElementById('no-match').checkVisibility()")
    browser.open(pages["failed"], scripts=False)
    assert browser.probe("rows()") == 15
    assert not browser.ask("document.getElementById('filter').checkVisibility()")
    assert not browser.ask("document.getElementById('theme').checkVisibility()")


@pytest.mark.refutes("a button that does nothing")
def test_the_button_changes_between_light_and_dark(browser: Browser, pages: dict[str, Path]) -> None:
    """The page follows the system until the button is pressed, and says to a screen reader which one is on."""
    background = "getComputedStyle(document.body).backgroundColor"
    browser.open(pages["passed"], dark=True)
    dark = browser.ask(background)
    browser.ask("document.getElementById('theme').click()")
    assert browser.ask("document.getElementById('theme').getAttribute('aria-pressed')") == "false"
    light = browser.ask(background)
    browser.ask("localStorage.clear()")
    browser.open(pages["passed"])
    assert (browser.ask(background), light != dark) == (light, True)


@pytest.mark.refutes("a picture without words")
def test_pictures_have_words_and_headings_have_an_order(browser: Browser, pages: dict[str, Path]) -> None:
    """Each table has a caption, each picture a name, each heading follows the one above by a single level."""
    browser.open(pages["failed"])
    assert browser.ask("[...document.querySelectorAll('table')].every(t => t.caption?.textContent)")
    unnamed = "svg:not([aria-hidden]):not([aria-label]):not(svg svg)"
    assert browser.ask(f"document.querySelectorAll('{unnamed}').length") == 0
    levels = browser.ask("[...document.querySelectorAll('h1, h2, h3')].map(h => +h.tagName[1])")
    assert levels[0] == 1 and all(b - a <= 1 for a, b in itertools.pairwise(levels))
    lit = "document.querySelectorAll('.lit .node.near').length"
    browser.ask("document.querySelector('.node[data-name=iam]').focus()")
    assert browser.ask(lit) == 5, "a focused component shows itself and its neighbours"


@pytest.mark.refutes("paper with a dark background or a closed message")
def test_the_page_prints(browser: Browser, pages: dict[str, Path]) -> None:
    """On paper the page is light, its fields are gone and all is open."""
    browser.open(pages["large-failed"], dark=True)
    assert base64.b64decode(browser.call("Page.printToPDF")["data"]).startswith(b"%PDF")
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(250, 250, 248)"
    assert not browser.ask("document.getElementById('filter').checkVisibility()")
