"""The report as one self-contained page: no request leaves it, it reads without JavaScript, it prints."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from string import Template
from urllib.parse import quote

from harness.report.charts import duration, phases_table, sync_tables
from harness.report.drills import drills_table
from harness.report.graphview import component_states, graph_figure
from harness.report.markup import Html, el, join
from harness.report.model import Assertion, Outcome, Report, Status, Tier, TierResult, Verdict

SIGNS = {"passed": "✓", "failed": "✕", "error": "!", "skipped": "–", "incomplete": "…", "empty": "∅"}
ORDER = (Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED, Outcome.PASSED)
_ICON_COLOURS = {Verdict.PASSED: "#1d7a4b", Verdict.FAILED: "#b3261e"}


def page(report: Report) -> str:
    """Return the text of `report.html`."""
    style, script = _asset("page.css"), _asset("page.js")
    sections = [
        ("failures", "Failures", "What failed", _failures(report)),
        ("tiers", "Tiers", "What was asked, and what was not", _tiers(report)),
        ("phases", "Phases", "Phases and their budgets", phases_table(report)),
        ("graph", "Graph", "Dependency graph", graph_figure(report.graph, component_states(report.syncs))),
        ("syncs", "Syncs", "Waves of each sync", sync_tables(report)),
        ("drills", "Drills", "Drills: what was broken, and who was missed", drills_table(report)),
        ("assertions", "Assertions", "Every assertion", _assertions(report)),
        ("notes", "Notes", "Notes", _notes(report)),
        ("made-with", "Versions", "Versions and machine", _made_with(report)),
    ]
    shown = [section for section in sections if section[-1]]
    body = [
        el("section", el("h2", title, id=f"{name}-title"), content, id=name, aria_labelledby=f"{name}-title")
        for name, _, title, content in shown
    ]
    return Template(_asset("page.html")).substitute(
        title=join([f"{_headline(report)} – {report.id}"]),
        icon=_icon(report.verdict),
        style=style,
        script=script,
        style_hash=_hash(style),
        script_hash=_hash(script),
        header=_header(report),
        links=join([el("li", el("a", short, href=f"#{name}")) for name, short, _, _ in shown]),
        sections=join(body),
        run=join([report.id]),
    )


def _asset(name: str) -> str:
    return (files("harness.report") / "assets" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _icon(verdict: Verdict) -> str:
    colour = _ICON_COLOURS.get(verdict, "#8a5a00")
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="4" fill="{colour}"/></svg>'
    )
    return "data:image/svg+xml," + quote(drawn)


def _headline(report: Report) -> str:
    passed, failed, skipped = report.totals()
    if report.verdict is Verdict.INCOMPLETE:
        return "Incomplete"
    if report.verdict is Verdict.EMPTY:
        return "Nothing was shown"
    if report.verdict is Verdict.PASSED:
        return "Passed"
    return f"Failed: {failed} of {passed + failed + skipped}" if failed else "Failed"


def _lead(report: Report) -> str:
    passed, failed, _ = report.totals()
    answered = [tier.name.value for tier in report.tiers if tier.status is Status.PASSED]
    missing = [tier.name.value for tier in report.tiers if tier.status is Status.SKIPPED]
    left = f" Not answered: {_and(missing)}." if missing else ""
    if report.verdict is Verdict.INCOMPLETE:
        return (
            "The run did not come to its end, or this page was written while it was under way. "
            f"Until then {_many(passed, 'assertion')} held and {failed} failed; nothing is known of the rest."
        )
    if report.verdict is Verdict.EMPTY:
        return f"The run came to its end without one assertion that passed.{left}"
    if report.verdict is Verdict.PASSED:
        return f"{_many(passed, 'assertion')} held on {_and(answered)}.{left}"
    if failed:
        return f"{_many(failed, 'assertion')} failed and {passed} held.{left}"
    return f"No assertion failed, and yet the run ended with status {report.exit_status}.{left}"


def _header(report: Report) -> Html:
    commit = report.revision.commit
    revision = commit[:12] if commit else "no commit"
    if report.revision.dirty:
        revision += ", with uncommitted changes"
    facts = [
        ("started", el("time", f"{report.started:%Y-%m-%d %H:%M:%S} UTC", datetime=report.started.isoformat())),
        ("took", duration(report.seconds)),
        ("engine", f"{report.engine.name} (tier {report.engine.tier})"),
        ("revision", revision),
        ("command", el("code", report.command)),
        ("run", el("code", report.id)),
    ]
    simulated = (
        el("ul", [el("li", what) for what in report.simulated])
        if report.simulated
        else el("p", "This run named nothing that was simulated.")
    )
    over = [phase for phase in report.phases if phase.over]
    budgets = el("p", f"{_many(len(over), 'phase')} took longer than budgeted: ", el("a", "see phases", href="#phases"),
                 ".", class_="overbudget") if over else None  # fmt: skip
    return join([
        el("div", el("span", SIGNS[report.verdict.value], class_="sign", aria_hidden="true"),
           el("div", el("h1", _headline(report)), el("p", _lead(report), class_="lead"), budgets),
           class_=f"verdict {report.verdict}"),
        el("dl", [el("div", el("dt", name), el("dd", value)) for name, value in facts], class_="facts"),
        el("aside", el("h2", "What was simulated"), simulated, class_="simulated"),
    ])  # fmt: skip


def _tiers(report: Report) -> Html:
    return el("ul", [_tier(tier) for tier in report.tiers], class_="tiers")


def _tier(tier: TierResult) -> Html:
    counts = tier.counts
    numbers = [
        (counts.passed, "passed"),
        (counts.failed + counts.error, "failed"),
        (counts.skipped - counts.not_run, "skipped"),
        (counts.not_run, "not run"),
    ]
    said = ", ".join(f"{number} {word}" for number, word in numbers if number) or "no assertions"
    return el(
        "li",
        el("h3", tier.name.value, " ", _pill(tier.status.value)),
        el("p", said),
        el("p", tier.reason, class_="quiet") if tier.reason else None,
        class_=tier.status.value,
    )


def _pill(outcome: str) -> Html:
    return el("span", el("span", SIGNS[outcome], aria_hidden="true"), f" {outcome}", class_=f"pill {outcome}")


def _ordered(report: Report) -> list[Assertion]:
    tiers = list(Tier)
    return sorted(report.assertions, key=lambda a: (ORDER.index(a.outcome), tiers.index(a.tier)))


def _failures(report: Report) -> Html | None:
    failed = [a for a in _ordered(report) if a.outcome in (Outcome.FAILED, Outcome.ERROR)]
    if not failed:
        return None
    return join([
        el("article",
           el("h3", a.sentence, id=f"failure-{number}"),
           el("p", _pill(a.outcome.value), f" {a.tier} · {duration(a.seconds)}", el("br"), el("code", a.file),
              class_="meta"),
           el("p", "Made to catch: ", el("em", a.refutes), ".", class_="refutes") if a.refutes else None,
           el("details", el("summary", "Message"),
              el("pre", a.message or "no message", tabindex=0, role="region", aria_label=f"Message of: {a.sentence}"),
              open=True),
           class_="failure")
        for number, a in enumerate(failed, 1)
    ])  # fmt: skip


def _assertions(report: Report) -> Html:
    ordered = _ordered(report)
    if not ordered:
        return el("p", "This run recorded no assertion.", class_="quiet")
    heads = [el("th", head, scope="col") for head in ("outcome", "assertion", "tier")]
    heads.append(el("th", "took", scope="col", class_="number"))
    return join([
        _filter(ordered),
        el("table",
           el("caption", f"{_many(len(ordered), 'assertion')}, failures first"),
           el("thead", el("tr", heads)),
           el("tbody", [_row(a, number) for number, a in enumerate(ordered, 1)]),
           class_="assertions", id="assertion-table"),
        el("p", "No assertion matches.", class_="quiet", id="no-match", hidden=True),
    ])  # fmt: skip


def _row(a: Assertion, number: int) -> Html:
    message: Html | None = None
    if a.outcome in (Outcome.FAILED, Outcome.ERROR):
        message = el("div", el("a", "message", href=f"#failure-{number}"), class_="why")
    elif a.outcome is Outcome.SKIPPED and a.message:
        message = el("div", a.message, class_="why")
    refutes = (
        el("div", el("span", "would fail with ", class_="quiet"), a.refutes, class_="refutes") if a.refutes else None
    )
    return el(
        "tr",
        el("td", _pill(a.outcome.value)),
        el("th", el("span", a.sentence, title=a.file or None), refutes, message, scope="row"),
        el("td", a.tier.value),
        el("td", duration(a.seconds) if a.ran else "–", class_="number"),
        data_outcome=a.outcome.value,
        data_tier=a.tier.value,
    )


def _filter(assertions: list[Assertion]) -> Html:
    def choice(name: str, title: str, values: list[str]) -> Html:
        options = [el("option", f"all {title}", value="")] + [el("option", value, value=value) for value in values]
        return el("label", el("span", title), el("select", options, id=f"filter-{name}"))

    outcomes = [outcome.value for outcome in ORDER if any(a.outcome is outcome for a in assertions)]
    tiers = [tier.value for tier in Tier if any(a.tier is tier for a in assertions)]
    return el(
        "form",
        choice("outcome", "outcomes", outcomes),
        choice("tier", "tiers", tiers),
        el("label", el("span", "text"), el("input", id="filter-text", type="search", autocomplete="off")),
        el("output", id="filter-count", aria_live="polite"),
        id="filter",
        class_="filter",
        hidden=True,
        aria_label="Filter the assertions",
    )


def _notes(report: Report) -> Html | None:
    artefacts = [el("li", el("a", a.title, href=quote(a.path)), " ", el("code", a.path)) for a in report.artefacts]
    parts = [
        el("ul", [el("li", note) for note in report.notes]) if report.notes else None,
        join([el("h3", "Files"), el("ul", artefacts)]) if artefacts else None,
    ]
    return join(parts) if any(parts) else None


def _made_with(report: Report) -> Html:
    machine = report.machine
    memory = f"{machine.memory_bytes / 2**30:.1f} GiB" if machine.memory_bytes else "unknown"
    facts = [("cores", machine.cores), ("memory", memory), ("system", machine.os), ("Python", machine.python)]
    versions = list(report.versions.items()) or [("–", "none recorded")]
    return el(
        "div",
        el("div", el("h3", "Versions"), _pairs(versions)),
        el("div", el("h3", "Machine"), _pairs(facts)),
        class_="columns",
    )


def _pairs(pairs: list[tuple[str, str]] | list[tuple[str, object]]) -> Html:
    return el("dl", [el("div", el("dt", name), el("dd", value)) for name, value in pairs], class_="pairs")


def _many(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
