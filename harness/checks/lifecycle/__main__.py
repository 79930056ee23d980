"""Writes `apis.json` from the source of Kubernetes' modules."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from harness.checks.lifecycle import TABLE

METHOD = re.compile(r"func \(in \*(\w+)\) APILifecycle(Deprecated|Removed|Replacement)\(\).*?\{\n\treturn (.*)\n")
NUMBERS = re.compile(r"(\d+), (\d+)")
GUIDE = {  # of the deprecation guide: kinds of which the modules hold no type any more
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler"): ("1.22", "1.25", "HorizontalPodAutoscaler of autoscaling/v2"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"): ("1.23", "1.26", "HorizontalPodAutoscaler of autoscaling/v2"),
    ("policy/v1beta1", "PodSecurityPolicy"): ("1.21", "1.25", ""),
}
REPLACEMENT = re.compile(r'Group: "([^"]*)", Version: "([^"]*)", Kind: "([^"]*)"')


def read(module: Path) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield apiVersion, kind and what a module of Kubernetes declares of its end; lists and options are left out."""
    for file in sorted(module.rglob("*lifecycle.go")):
        register = (file.parent / "register.go").read_text(encoding="utf-8")
        group = re.findall(r'GroupName = "([^"]*)"', register)[0]
        api = f"{group}/{file.parent.name}" if group else file.parent.name
        found: dict[str, dict[str, str]] = {}
        for kind, what, value in METHOD.findall(file.read_text(encoding="utf-8")):
            entry = found.setdefault(kind, {"deprecated": "", "removed": "", "instead": ""})
            if what == "Replacement" and (new := REPLACEMENT.search(value)):
                entry["instead"] = f"{new[3]} of {new[1]}/{new[2]}".replace("of /", "of ")
            elif number := NUMBERS.search(value):
                entry[what.lower()] = ".".join(number.groups())
        yield from ((api, kind, entry) for kind, entry in found.items() if not kind.endswith(("List", "Options")))


def table(modules: list[Path]) -> dict[str, Any]:
    """Return what `apis.json` holds: the modules by name and version, and the kinds by API."""
    apis: dict[str, dict[str, dict[str, str]]] = {}
    for module in modules:
        for api, kind, entry in read(module):
            apis.setdefault(api, {})[kind] = entry
    for (api, kind), (deprecated, removed, instead) in GUIDE.items():
        apis.setdefault(api, {})[kind] = {"deprecated": deprecated, "removed": removed, "instead": instead}
    return {"source": sorted(f"k8s.io/{module.name}" for module in modules), "apis": apis}


def main(modules: list[str]) -> None:
    """Write the table; arguments: the modules' folders, as Go's cache has them (name@version)."""
    content = table([Path(module) for module in modules])
    lines = [
        f"{json.dumps(api)}: {json.dumps(kinds, sort_keys=True)}" for api, kinds in sorted(content["apis"].items())
    ]
    source = json.dumps(content["source"])
    TABLE.write_text(f'{{"source": {source},\n"apis": {{\n' + ",\n".join(lines) + "\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
