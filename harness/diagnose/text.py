"""Messages of Kubernetes, Argo CD and Helm, without what no operator needs to read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_PREFIXES = re.compile(
    r"^(?:\(combined from similar events\): |Error creating: |Internal error occurred: "
    r"|Create Pod \S+ in StatefulSet \S+ failed error: |error when \w+ \"[^\"]*\": |Error: )+"
)
_POD_SUFFIX = re.compile(r'\b(pods? )"([\w.-]+-)[a-z0-9]{5}"')  # of pods that were never made: each try has another
_INVALID = "Invalid value: "
_WORTH_KEEPING = 80  # characters of a refused value; a longer one is a whole object in Go's spelling
_ERRORS = re.compile(
    r"\b(error|fatal|exception|denied|refused|failed|failure|cannot|panic|traceback|unable|missing|invalid)\b|"
    r"\w+(?:Error|Exception)\b",
    re.I,
)
_STACK = re.compile(r"^\s+at |^\s*\.\.\. \d+ more|^\s+File \"")


def one_line(text: str, limit: int = 300) -> str:
    """Return text with single spaces, cut at `limit` characters."""
    words = " ".join(text.split())
    return words if len(words) <= limit else f"{words[: limit - 1].rstrip()}…"


def api_message(text: str) -> str:
    """Return a refusal of the API server without the client's wrapping and without the objects that it quotes whole."""
    text = _POD_SUFFIX.sub(r'\1"\2…"', _PREFIXES.sub("", text.strip()))
    found = text.find(_INVALID)
    while found >= 0:
        begin = found + len(_INVALID)
        end = _end_of_value(text, begin)
        if end - begin > _WORTH_KEEPING:
            text = f"{text[: found + len(_INVALID) - 1]} …{text[end:]}"
        found = text.find(_INVALID, begin)
    return text.replace(f"{_INVALID}…: ", "")


def _end_of_value(text: str, begin: int) -> int:
    try:
        return json.JSONDecoder().raw_decode(text, begin)[1]
    except ValueError:
        end = text.find(": ", begin)
        return end if end >= 0 else begin


def best_line(lines: list[str]) -> str:
    """Return the line of a log that likely says what went wrong: the last that speaks of an error, else the last."""
    candidates = [line.strip() for line in lines if line.strip() and not _STACK.match(line)]
    spoken = [line for line in candidates if _ERRORS.search(line)]
    return one_line((spoken or candidates or [""])[-1], 200)


def last_lines(log: str, count: int) -> list[str]:
    """Return the last lines of a log that are not empty."""
    return [line.rstrip() for line in log.splitlines() if line.strip()][-count:]


@dataclass(frozen=True)
class RenderRefusal:
    """Why a chart was not rendered: one sentence per problem, and the template where it was noticed (or empty)."""

    problems: tuple[str, ...]
    template: str = ""


_HELM = re.compile(r"failed running helm: `.*?` failed [^:]*: (?P<output>.*)$", re.S)
_NOISE = re.compile(r"^\s*$|^level=(?:INFO|WARN|DEBUG|ERROR) |^Use --debug flag|^(?:walk|coalesce)\.go:")
_AT = re.compile(r"^(?:execution|parse) error at \((?P<file>[^()]+?):(?P<line>\d+)(?::\d+)?\): ?(?P<text>.*)$", re.S)
_CALL = re.compile(r"template: (?P<file>[^:\s]+):(?P<line>\d+):\d+: executing \"[^\"]*\" at <(?P<what>.*?)>: ", re.S)
_POINTER = re.compile(r"^- at '(?P<at>[^']*)': (?P<text>.*)$")


def render_refusal(message: str, root: str = "") -> RenderRefusal | None:
    """Return what our charts said, out of a ComparisonError of Argo CD; None where Helm did not run.

    Args:
        message: of the condition.
        root: name of the chart that was rendered; its values have no prefix.

    Formats: Argo CD 3.6.1 (util/exec/exec.go, util/helm/helm.go), Helm 4.3.1.
    """
    found = _HELM.search(message)
    if not found:
        return None
    output = found["output"].replace("<path to cached source>/", "")
    lines = [line.rstrip() for line in output.splitlines() if not _NOISE.match(line)]
    text = "\n".join(lines).removeprefix("Error: ").strip()
    if text.startswith("values don't meet the specifications"):
        return RenderRefusal(tuple(dict.fromkeys(_schema_problems(lines, root))) or (one_line(text),))
    at = _AT.match(text)
    if at:
        template = f"{at['file']}:{at['line']}"
        said = [line.strip() for line in at["text"].splitlines() if line.strip()]
        bullets = [line[2:] for line in said if line.startswith("- ")]
        return RenderRefusal(tuple(bullets) or (one_line(at["text"], 500),), template)
    calls = list(_CALL.finditer(text))
    if calls:
        reason = text[calls[-1].end() :].removeprefix("error calling include: ")
        return RenderRefusal((one_line(f"{calls[-1]['what']}: {reason}"),), f"{calls[-1]['file']}:{calls[-1]['line']}")
    return RenderRefusal((one_line(text, 500),))


def _schema_problems(lines: list[str], root: str) -> list[str]:
    chart, problems = "", []
    for line in lines:
        header = re.match(r"^([\w-]+):$", line)
        pointed = _POINTER.match(line.strip())
        if header:
            chart = "" if header[1] == root else header[1]
        elif pointed and pointed["text"] != "validation failed":
            steps = [step.replace("~1", "/").replace("~0", "~") for step in pointed["at"].split("/")[1:]]
            unknown = re.match(r"additional properties (.*) not allowed$", pointed["text"])
            for name in re.findall(r"'([^']*)'", unknown[1]) if unknown else [""]:
                key = ".".join([chart, *steps, name]).strip(".")
                problems.append(f"{key}: {'no such key' if unknown else pointed['text']}")
    return problems
