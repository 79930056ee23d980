"""Where a finding is mended: the file and line of the value, contract or template that decides what was found.

What is rendered has no lines of its own. A value that the environment or a profile writes is named first, then the key
of the component's contract, then the template that writes the kind. Where none of them is known, the file that a person
would open first; a line is given only where one is known.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from harness import files
from harness.checks.model import Finding, Platform, Subject
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS, UMBRELLA, values_files
from harness.model.trial import EXAMPLE
from harness.render.objects import Object, title
from harness.render.trials import example

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

SOURCE = "indigo-paas/source"
_SETTING = re.compile(r"\bthe setting (\S+?):? ")
_LINE = re.compile(r"^line (\d+)$")
_WHERE = re.compile(r"^(?P<file>[^\s:]+\.\w+)(?::(?P<line>\d+))?(?::\d+)?(?: (?P<key>\S+))?$")

# path within an object -> keys of a site's values below the component's own, then keys of its contract
_DECIDES: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    (r"\.image$", ("image",), ("image",)),
    (r"Probe", (), ("probes",)),
    (r"\.ports|^spec\.ports|^Service/", (), ("ports",)),
    (r"replicas$|strategy|concurrencyPolicy|^spec$", ("replicas",), ("replicas", "workload")),
    (r"\.resources", ("resources",), ("resources",)),
    (r"securityContext", (), ("security", "image")),
    (r"volumeMounts|volumes|volumeClaimTemplates", ("volumes",), ("writable",)),
    (r"nodeSelector|tolerations|affinity|priorityClassName", ("scheduling",), ()),
    (r"schedule$|suspend$", ("schedule", "suspend"), ("workload",)),
    (r"\.annotations", ("podAnnotations",), ()),
    (r"\.env\b", ("settings",), ("settings",)),
)
# rule -> keys of `global`, each for the whole or with the component's name below it, then keys of the contract
_BY_RULE: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "contract-routes": (("urls", "routes"), ("route", "exposed")),
    "contract-settings": ((), ("settings",)),
    "contract-image": (("images",), ("image",)),
    "graph-policies": (("network", "components"), ("requires", "egress")),
    "graph-waves": ((), ("requires",)),
    "secrets-two-way": (("secrets",), ("secrets",)),
    "alerts": (("monitoring",), ("metrics",)),
}


@dataclass(frozen=True)
class Place:
    """A file below the checkout, and a line of it (0: none is known)."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Places:
    """Finds the place of findings; a file is read once."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._root = subject.repository
        self._nodes: dict[Path, yaml.Node | None] = {}

    def placed(self, finding: Finding) -> Finding:
        """Return the finding with its file and line."""
        place = self.place(finding)
        return replace(finding, file=place.file, line=place.line)

    def place(self, finding: Finding) -> Place:
        """Return where the finding is mended."""
        if self._is_file(finding.object):
            return self._in_file(finding)
        platform = self._subject.platforms.get(finding.environment)
        for path, key in self._keys(finding, platform):
            line = self._line(path, key)
            if line:
                return Place(str(path), line)
        item = self._item(finding, platform)
        return self._template(item) or self._first(finding)

    # ------------------------------------------------------------ candidates

    def _keys(self, finding: Finding, platform: Platform | None) -> Iterator[tuple[Path, Sequence[str]]]:
        """Yield files with a key, the one that most likely decides first."""
        own, shared, contract = _keys(finding)
        contracts = self._subject.contracts
        component = finding.component
        if platform is not None:
            files = list(reversed(self._files(platform)))
            for key in own if component else ():
                yield from ((path, (component, *key)) for path in files)
            for key in shared:
                yield from ((path, ("global", *key, component)) for path in files if component)
                yield from ((path, ("global", *key)) for path in files if not component)
        if component in contracts:
            path = Path("charts") / contracts[component].chart / "contract.yaml"
            yield from ((path, key) for key in contract)

    def _files(self, platform: Platform) -> list[Path]:
        """Return the values files below the checkout, the later one winning."""
        *profiles, own = values_files(platform.rendered.environment)
        if (self._root / own).is_file():
            return [*profiles, own]
        return [*profiles, EXAMPLE / "values.yaml", example(self._root, platform.name)]  # a profile that is tried

    def _item(self, finding: Finding, platform: Platform | None) -> Object | None:
        groups = [platform.objects, platform.delivery, [platform.rendered.delivered_by]] if platform else []
        for group in [*groups, self._subject.bootstrap]:
            for item in group:
                if title(item) == finding.object:
                    return item
        return None

    def _template(self, item: Object | None) -> Place | None:
        """Return the template that writes an object's kind, and the line where it does."""
        if item is None:
            return None
        source = str((item["metadata"].get("annotations") or {}).get(SOURCE, ""))
        folder = Path("charts/common") if source.startswith("charts/") and source != str(UMBRELLA) else Path(source)
        folders = [folder] if source else [Path("argocd") / name for name in ("environment", "bootstrap", "namespace")]
        pattern = re.compile(rf"^\s*kind: {re.escape(item['kind'])}\s*$", re.M)
        for one in folders:
            for path in sorted((self._root / one / "templates").glob("*")):
                text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
                if found := pattern.search(text):
                    at = text.count("\n", 0, found.start() + len(found[0]) - len(found[0].lstrip())) + 1
                    return Place(str(path.relative_to(self._root)), at)
        return None

    def _first(self, finding: Finding) -> Place:
        """Return the file that a person would open first."""
        if finding.component in self._subject.contracts:
            return Place(f"charts/{self._subject.contracts[finding.component].chart}/contract.yaml")
        if finding.environment in self._subject.platforms:
            folder = ENVIRONMENTS / finding.environment
            if (self._root / folder).is_dir():
                return Place(str(folder / "config.yaml"))
            return Place(str(example(self._root, finding.environment)))
        return Place("argocd/bootstrap/values.yaml")

    # ----------------------------------------------------------------- files

    def _is_file(self, name: str) -> bool:
        head = name.partition("/")[0]
        return ("/" in name and head.islower()) or name.endswith((".yaml", ".md", ".json", ".tpl"))

    def _in_file(self, finding: Finding) -> Place:
        name = finding.object
        if (self._root / name).is_dir():
            chart = f"{name}/Chart.yaml"
            return Place(chart if (self._root / chart).is_file() else name)
        if found := _LINE.match(finding.path):
            return Place(name, int(found[1]))
        return Place(name, self._line(Path(name), finding.path.split(".")) if finding.path else 0)

    def _line(self, path: Path, key: Sequence[str]) -> int:
        """Return the line of a key of a YAML file; 0 where it has none, or is none."""
        if path not in self._nodes:
            self._nodes[path] = _compose(self._root / path)
        node, line = self._nodes[path], 0
        for step in key:
            entries = node.value if isinstance(node, yaml.MappingNode) else []
            found = next(((name, value) for name, value in entries if name.value == step), None)
            if found is None:
                return 0
            line, node = found[0].start_mark.line + 1, found[1]
        return int(line)


def failure(error: UserError) -> Finding:
    """Return what keeps everything from being looked at (no YAML, a template that fails) as a finding of `render`."""
    where = _WHERE.match(error.where or "")
    message = f"{error.message}\n{error.details}".rstrip() if error.details else error.message
    return Finding(
        environment="",
        component="",
        rule="render",
        object=error.where or "",
        path="",
        message=message,
        fix=error.fix or "mend what the message names",
        file=where["file"] if where else "",
        line=int(where["line"] or 0) if where else 0,
    )


def _keys(finding: Finding) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return keys below the component's own values, below `global`, and of the contract, the likeliest first."""
    own: list[tuple[str, ...]] = []
    contract: list[tuple[str, ...]] = []
    if setting := _SETTING.search(f"{finding.message} "):
        own.append(("settings", setting[1]))
        contract.append(("settings", setting[1]))
    for pattern, values, declared in _DECIDES:
        if re.search(pattern, finding.path):
            own += [(key,) for key in values]
            contract += [(key,) for key in declared]
    shared, declared = _BY_RULE.get(finding.rule, ((), ()))
    contract += [(key,) for key in declared if (key,) not in contract]
    return own, [(key,) for key in shared], contract


def _compose(path: Path) -> yaml.Node | None:
    try:
        return _composed(files.text(path))
    except (OSError, ValueError, yaml.YAMLError):
        return None


@functools.lru_cache(maxsize=64)  # the watch and the tests ask for a few files again and again
def _composed(text: str) -> yaml.Node | None:
    node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    return node
