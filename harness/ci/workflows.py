"""The rules of our own GitHub workflows: what keeps them safe, and every step something that can be run at a desk.

actionlint knows the syntax of workflows, zizmor the ways in which one can be taken over; `findings` is what neither
asks. Sources: GitHub, "Security hardening for GitHub Actions" and "Keeping your GitHub Actions and workflows secure"
(pwn requests, script injection).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness import toolchain
from harness.model.load import read_yaml
from harness.process import run

FOLDER = Path(".github") / "workflows"
ACTIONS = Path(".github") / "actions"
PINNED = re.compile(r"^[\w.-]+(/[\w.-]+)+@[0-9a-f]{40}$")
VERSION = re.compile(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
# make targets, then values for them, then a file for what is printed
CALL = re.compile(r"^make((?: [a-z0-9-]+)+)((?: [A-Z]+=(?:\S*|'[^']*'|\"[^\"]*\"))*)(?: > [\w./-]+)?$")
WRITES = {"write", "write-all"}


def findings(repository: Path) -> list[str]:
    """Return what is wrong with the workflows and actions of a checkout: file, place and sentence."""
    targets = set(re.findall(r"^([a-z0-9-]+):", (repository / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    found: list[str] = []
    pins: dict[str, str] = {}
    for path in sorted((repository / FOLDER).glob("*.y*ml")):
        name = path.relative_to(repository)
        content = read_yaml(path, str(name))
        wrong = [*_workflow(content), *_pins(path.read_text(encoding="utf-8"), pins)]
        for job, body in (content.get("jobs") or {}).items():
            wrong += [f"jobs.{job}: {text}" for text in _job(body, content, targets)]
        found += [f"{name}: {text}" for text in wrong]
    for path in sorted((repository / ACTIONS).glob("*/action.y*ml")):
        name = path.relative_to(repository)
        steps = (read_yaml(path, str(name)).get("runs") or {}).get("steps") or ()
        wrong = [text for step in steps for text in _step(step, targets)]
        found += [f"{name}: {text}" for text in (*wrong, *_pins(path.read_text(encoding="utf-8"), pins))]
    return found


def actionlint(repository: Path) -> str:
    """Return what actionlint says of the workflows; nothing where it finds nothing. shellcheck is not asked."""
    files = sorted(map(str, (repository / FOLDER).glob("*.y*ml")))
    options = ("-no-color", "-shellcheck=", "-pyflakes=")
    return run(toolchain.tool("actionlint"), *options, *files, cwd=repository, check=False).stdout


def zizmor(repository: Path) -> str:
    """Return what zizmor says of the workflows and actions; nothing where it finds nothing. No network is asked."""
    options = ("--offline", "--no-progress", "--color=never", "--quiet")
    done = run(toolchain.tool("zizmor"), *options, str(FOLDER.parent), cwd=repository, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _pins(text: str, pins: dict[str, str]) -> Iterator[str]:
    """Yield uses of actions without their version beside the commit, and with another commit than elsewhere."""
    for line in re.findall(r"uses: (?!\./)(.*)", text):
        action, _, commit = line.partition("@")
        if not VERSION.search(line):
            yield f"{action} is not pinned as <commit of 40 digits> # v<version>"
        elif pins.setdefault(action, commit) != commit:
            yield f"{action} is used at {commit[:8]} here and at {pins[action][:8]} elsewhere"


def _workflow(content: Mapping[Any, Any]) -> Iterator[str]:
    triggers: Any = content.get(True, content.get("on"))  # YAML 1.1 reads the key `on` as true
    names = set(triggers if isinstance(triggers, (dict, list)) else [triggers])
    if "pull_request_target" in names:
        yield "pull_request_target runs with the rights of the repository; a comment comes from workflow_run"
    if "permissions" not in content:
        yield "has no permissions, so that every job gets the repository's default"
    elif content["permissions"] not in ({}, {"contents": "read"}):
        yield "permissions of a whole workflow are {} or contents: read; what a job needs more stands with the job"
    if "concurrency" not in content:
        yield "has no concurrency, so that two runs of the same branch stand in each other's way"
    if "workflow_run" in names and "head_sha" in str([step.get("with") for step in _steps(content)]):
        yield "checks out what a fork wrote, with the rights of the repository"


def _steps(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for body in (content.get("jobs") or {}).values():
        yield from body.get("steps") or ()


def _job(body: Mapping[str, Any], workflow: Mapping[str, Any], targets: set[str]) -> Iterator[str]:
    if "timeout-minutes" not in body:
        yield "has no timeout-minutes; GitHub's own is six hours"
    if str(body.get("runs-on", "")).endswith("-latest"):
        yield "runs-on: a label that moves; name the release"
    if str(body.get("permissions")) in WRITES:
        yield "permissions: write to everything"
    for step in body.get("steps") or ():
        yield from _step(step, targets)


def _step(step: Mapping[str, Any], targets: set[str]) -> Iterator[str]:
    uses, command = str(step.get("uses", "")), step.get("run")
    if uses and not uses.startswith("./") and not PINNED.match(uses):
        yield f"uses {uses}: not pinned to a commit"
    if uses.startswith("actions/checkout@") and (step.get("with") or {}).get("persist-credentials") is not False:
        yield "checkout leaves the token in .git/config; write persist-credentials: false"
    for line in str(command or "").strip().splitlines():
        if "${{" in line:
            yield f"run: {line}: an expression in a script is run as code; give it by env"
            continue
        call = CALL.match(line.strip())
        if not call:
            yield f"run: {line}: is no call of make, so it cannot be run at a desk the same way"
        elif unknown := sorted(set(call[1].split()) - targets):
            yield f"run: {line}: the Makefile has no target {', '.join(unknown)}"
