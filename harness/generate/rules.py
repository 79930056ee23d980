"""`docs/reference/rules.md`: every rule of `indigo check`."""

from __future__ import annotations

from harness.generate.text import cell, code, page, section, table

HOW_TO = "../how-to/check-while-you-write.md"


def render() -> str:
    """Return the page. It follows from the rules' own modules, not from the contracts."""
    from harness.checks import rules  # the rules themselves look at what is generated
    from harness.checks.explain import to_markdown
    from harness.checks.report import RENDER

    known = [RENDER, *rules().values()]
    rows = [(f"[{code(rule.id)}](#{rule.id})", cell(rule.title), rule.severity.value) for rule in known]
    return page(
        ["# Rules of `indigo check`", "", "Written by `indigo generate` from `harness/checks/rules`: do not edit.", ""],
        ["`indigo explain RULE` shows one of them; how to use the check: [check while you write](" + HOW_TO + ").", ""],
        table(("rule", "what holds", "severity"), rows),
        *(section(rule.id, to_markdown(rule).splitlines(), [""]) for rule in known),
    )  # fmt: skip
