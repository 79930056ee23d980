"""Says in our words why Helm refused: which key or template, what is wrong, what to write.

Helm prints a template stack, Go types and one line per symbolic link. What an operator has to read is one sentence.
The formats below are Helm 4.3's (pkg/action, pkg/engine, pkg/chart/common/util/jsonschema.go).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from harness.errors import UserError
from harness.model.graph import Graph
from harness.model.load import load_contracts, read_yaml
from harness.render.locate import locate, shown, source, subchart
from harness.render.schema_refusal import schema_refusal

_NOISE = re.compile(r"^level=(INFO|WARN|DEBUG|ERROR) |^Use --debug flag|^\s*$|^walk\.go:")
_KEY = re.compile(r"^([a-z][\w-]*(?:\.[\w*-]+)+)(?: \([^)]*\))?: (.*)$", re.S)
_AT = re.compile(r"^(?:execution|parse) error at \((?P<file>[^:()]+):(?P<line>\d+)(?::\d+)?\): ?(?P<text>.*)$", re.S)
LONGEST = 400  # characters of a reason that is Helm's own
_STACK = re.compile(r"^(?P<file>\S+\.(?:tpl|ya?ml|txt)):(?P<line>\d+):\d+$")


def refusal(stderr: str, chart: Path, values: Sequence[Path]) -> UserError:
    """Return the error that a user reads when Helm ended with this standard error.

    Args:
        stderr: all that Helm wrote.
        chart: folder of the chart.
        values: the values files in their order.
    """
    lines = [line for line in stderr.splitlines() if not _NOISE.match(line)]
    text = "\n".join(lines).removeprefix("Error: ").strip()
    if text.startswith("values don't meet the specifications"):
        return schema_refusal(text, chart, values)
    for attempt in (_values_file, _chart_files):
        found = attempt(text, chart, values)
        if found:
            return found
    at = _AT.match(text)
    if at and text.startswith("execution"):
        return _sentences(at["text"], chart, values, shown(source(at["file"], chart)))
    if "nested reference name" in text:
        return _circle(text, chart)
    unnamed = re.search(r"no template \"(?P<name>[^\"]+)\" associated", text)
    if unnamed:
        component = unnamed["name"].partition(".")[0]
        templates = (subchart(chart, component) / "templates").resolve()
        return UserError(
            f"no template is named {unnamed['name']}",
            where=shown(templates if templates.is_dir() else chart),
            fix="define it there, or mend its name; a file that is not text defines nothing",
        )
    broken = _contracts(chart)
    if broken:
        return broken
    if at:
        return UserError(
            f"template does not parse: {at['text']}",
            where=f"{shown(source(at['file'], chart))}:{at['line']}",
            fix="mend the template",
        )
    return _stack(text, chart, values)


def _values_file(text: str, chart: Path, values: Sequence[Path]) -> UserError | None:
    """Values that are absent or no YAML: `harness.model.load` says it better, with the column."""
    missing = re.match(r"open (?P<file>.+): no such file or directory$", text)
    if missing:
        return UserError(
            "a values file is missing", where=shown(Path(missing["file"])), fix="create it, or mend its name"
        )
    if text.startswith("failed to parse "):
        for path in values:
            try:
                data = read_yaml(path, shown(path))
            except UserError as error:
                return error
            if data is not None and not isinstance(data, dict):
                return UserError(
                    f"expected a mapping, found {type(data).__name__}",
                    where=shown(path),
                    fix="write values as `key: value`; start from the umbrella's values.yaml",
                )
        named = next((path for path in values if text.startswith(f"failed to parse {path}: ")), None)
        if named is not None:
            reason = text.rpartition("yaml: ")[2]
            return UserError(f"{named.name} cannot be read: {reason}", where=shown(named), fix="write it out plainly")
    mismatch = re.search(r"type mismatch on (?P<key>[\w.-]+): (?:%!t\(\w+=(?P<value>.*)\)|(?P<other>.*))$", text)
    if mismatch:
        key = mismatch["key"]
        return UserError(
            f"{key}: expected a mapping, found {mismatch['value'] or mismatch['other']}",
            where=locate(key.split("."), values),
            fix=f"write the values of the chart {key.split('.')[0]} below the key, indented by two spaces",
        )
    return None


def _chart_files(text: str, chart: Path, values: Sequence[Path]) -> UserError | None:
    umbrella = shown(chart / "Chart.yaml")
    absent = re.search(r"missing in charts/ directory: (?P<names>.+)$", text)
    if absent:
        return UserError(
            f"charts/{chart.name}/charts has no {absent['names']}, which Chart.yaml depends on",
            where=umbrella,
            fix="make the link (ln -s ../../NAME charts/NAME in the chart's folder), or remove the dependency",
        )
    dangling = re.search(r"evaluating symlink (?P<link>\S+): lstat (?P<file>\S+): no such file", text)
    if dangling:
        return UserError(
            f"the link {shown(Path(dangling['link']))} leads to nothing",
            where=shown(Path(dangling["file"])),
            fix="create the chart, or remove the link and the dependency in Chart.yaml",
        )
    version = re.search(
        r"requires kubeVersion: (?P<range>\S+) which is incompatible with Kubernetes (?P<got>\S+)", text
    )
    if version:
        return UserError(
            f"the charts need Kubernetes {version['range']}, this is {version['got']}",
            where=umbrella,
            fix="upgrade the cluster, or use the release of this project that was made for it",
        )
    own = re.match(r"cannot load (?P<file>Chart\.yaml|values\.yaml): ", text)
    if own:
        path = chart / own["file"]
        try:
            read_yaml(path, shown(path))
        except UserError as error:
            return error
    loading = re.search(r"subchart (?P<chart>[\w-]+) in .*?(?P<problem>yaml: .*|cannot load \S+.*)$", text)
    if loading:
        for name in ("Chart.yaml", "values.yaml"):
            path = (subchart(chart, loading["chart"]) / name).resolve()
            try:
                read_yaml(path, shown(path))
            except UserError as error:
                return error
        return UserError(f"the chart {loading['chart']} cannot be read: {loading['problem']}", where=umbrella)
    manifest = re.match(r"YAML parse error on (?P<file>[^:]+): .*?(?P<problem>[^:]+)$", text, re.S)
    if manifest:
        return UserError(
            f"template does not give YAML: {manifest['problem'].strip()}",
            where=shown(source(manifest["file"], chart)),
            fix="mend the indentation of what the template includes",
        )
    return None


def _sentences(text: str, chart: Path, values: Sequence[Path], template: str) -> UserError:
    """Our own refusals (charts/common/templates/_validate.tpl): `key: what is wrong; what to write`, one or several."""
    problems = [line.strip()[2:] for line in text.splitlines() if line.strip().startswith("- ")] or [text.strip()]
    if len(problems) == 1:
        message, where, fix = _sentence(problems[0], values)
        return UserError(message, where=where or template, fix=fix)
    told = [_sentence(problem, values) for problem in problems]
    subject = text.strip().splitlines()[0].removesuffix(":")
    return UserError(
        f"{subject}: {len(problems)} problems",
        where=shown(values[-1]) if values else shown(chart),
        fix="mend each of these",
        details="\n".join(
            f"{message}{f' ({where})' if where else ''}{f'; {fix}' if fix else ''}" for message, where, fix in told
        ),
    )


def _sentence(problem: str, values: Sequence[Path]) -> tuple[str, str | None, str | None]:
    key = _KEY.match(problem)
    where = locate(key[1].split("."), values) if key else None
    message, separator, fix = problem.rpartition("; ")
    if not separator:
        message, fix = problem, ""
    return message, where, fix or None


def _contracts(chart: Path) -> UserError | None:
    """A template that stumbles may only be the messenger: then a contract is wrong."""
    charts = chart.parent
    if not (charts / "common" / "Chart.yaml").is_file():
        return None
    try:
        Graph.build(load_contracts(charts))
    except UserError as error:
        return error
    return None


def _circle(text: str, chart: Path) -> UserError:
    """Templates that include each other: Helm stops after a thousand, and prints all of them."""
    calls = re.findall(r"template: (\S+?):(\d+):\d+: executing \"([^\"]+)\" at <include", text)
    names = [name for _, _, name in calls]
    first = next((at for at, name in enumerate(names) if name in names[:at]), len(names))
    start = names.index(names[first]) if first < len(names) else 0
    file, line, _ = calls[start] if calls else (f"{chart.name}/templates", "0", "")
    way = " -> ".join(names[start : first + 1])
    return UserError(
        f"templates include each other without an end: {way or 'see the chart'}",
        where=f"{shown(source(file, chart))}:{line}",
        fix="take one of the includes out",
    )


def _stack(text: str, chart: Path, values: Sequence[Path]) -> UserError:
    """A template failed while it ran: the last template of the stack is at fault, the last line says why."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    frames = [frame for line in lines if (frame := _STACK.match(line))]
    calls = re.findall(r"at <(.*?)>:", text)
    reason = lines[-1] if lines else "Helm failed without a word"
    reason = reason if len(reason) <= LONGEST else f"{reason[:LONGEST]} …"
    where = f"{shown(source(frames[-1]['file'], chart))}:{frames[-1]['line']}" if frames else shown(chart)
    empty = re.search(r"nil pointer evaluating (?:interface \{\}|\S+)\.(\w+)$", reason)
    if empty and calls:
        path = re.search(r"\.Values\.([\w.]+)\." + re.escape(empty[1]), calls[-1])
        key = path[1] if path else calls[-1]
        return UserError(
            f"{key}: is missing, and a template needs {key}.{empty[1]}",
            where=(locate(key.split("."), values) if path else None) or where,
            fix=f"write {key} with {empty[1]}",
            details=f"asked for by {where}",
        )
    return UserError(f"the chart {chart.name} cannot be rendered: {reason}", where=where, fix="mend the template")
