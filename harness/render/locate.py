"""Where a value stands: file and line of a key in values files, and the chart file behind a name that Helm prints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from harness.paths import MARKER

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]


def shown(path: Path) -> str:
    """Return a path as a person writes it: below the checkout without its root, anything else as it is."""
    root = next((parent for parent in path.parents if (parent / MARKER).is_file()), None)
    return str(path.relative_to(root)) if root else str(path)


def locate(key: Sequence[str], files: Sequence[Path]) -> str | None:
    """Return `file:line` of a key in values files, or of the nearest map above it.

    The file that wins is the last one that holds the whole key. Without any, the last file is named: that is where a
    site writes what is missing. None without files.
    """
    nearest: tuple[int, str] | None = None
    for path in reversed(files):
        depth, line = _descend(path, key)
        if depth == len(key):
            return f"{shown(path)}:{line}"
        if depth and (nearest is None or depth > nearest[0]):
            nearest = (depth, f"{shown(path)}:{line}")
    if nearest is not None and nearest[0] > 1:
        return nearest[1]
    return shown(files[-1]) if files else None


def line_of(key: Sequence[str], path: Path) -> int:
    """Return the line of a key in a values file, or of the nearest map above it; 0 where there is none."""
    return _descend(path, key)[1]


def written(key: Sequence[str], files: Sequence[Path]) -> Any:
    """Return the value that the files give a key, the last one winning; None without one."""
    for path in reversed(files):
        value: Any = _load(path)
        for step in key:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return value
    return None


def source(name: str, chart: Path) -> Path:
    """Return the file behind a template's name as Helm prints it (`umbrella/charts/mariadb/templates/x.yaml`)."""
    _, _, inside = name.partition("/")
    folder, _, rest = inside.removeprefix("charts/").partition("/")
    path = subchart(chart, folder) / rest if inside.startswith("charts/") else chart / inside
    return path.resolve() if path.exists() else path


def subchart(chart: Path, name: str) -> Path:
    """Return the folder of a subchart; an alias is another name of the chart that Chart.yaml gives it."""
    entries = (_load(chart / "Chart.yaml") or {}).get("dependencies") or ()
    names = {entry["alias"]: entry["name"] for entry in entries if "alias" in entry}
    return chart / "charts" / str(names.get(name, name))


def _load(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, ValueError, yaml.YAMLError):
        return None


def _descend(path: Path, key: Sequence[str]) -> tuple[int, int]:
    """Return how many steps of the key a file holds, and the line of the last of them."""
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=_Loader)
    except (OSError, ValueError, yaml.YAMLError):
        return 0, 0
    line = 0
    for depth, step in enumerate(key):
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((name, value) for name, value in entries if name.value == step), None)
        if found is None:
            return depth, line
        line, node = found[0].start_mark.line + 1, found[1]
    return len(key), line
