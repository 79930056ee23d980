"""Definitions of operators that no package registry has with a checksum: kept here, made light, with their source.

`kept/<family>.json` holds where they come from (repository, version, commit, SHA-256 of each of upstream's files)
and the definitions of the kinds that this project writes, without descriptions. A new version is taken in with

    python -m harness.engines.crds.upstream <family> <clone of the repository> <tag or commit> <version>

and a test compares the version with that of the operator in the contracts.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.engines.crds.light import lighten
from harness.process import run

FOLDER = Path(__file__).resolve().parent / "kept"


@dataclass(frozen=True)
class Origin:
    """Where a family's definitions are in upstream's repository, and its licence."""

    repository: str
    licence: str
    files: tuple[str, ...]


ORIGINS: Mapping[str, Origin] = {
    "mariadb-operator": Origin(
        "https://github.com/mariadb-operator/mariadb-operator",
        "MIT",
        tuple(f"config/crd/bases/k8s.mariadb.com_{name}.yaml" for name in ("mariadbs", "databases", "users", "grants")),
    ),
    "strimzi": Origin(
        "https://github.com/strimzi/strimzi-kafka-operator",
        "Apache-2.0",
        tuple(
            f"install/cluster-operator/{name}.yaml"
            for name in ("040-Crd-kafka", "043-Crd-kafkatopic", "045-Crd-kafkanodepool")
        ),
    ),
}


def kept(family: str) -> dict[str, Any]:
    """Return what is kept of a family: `source`, and `definitions` by the name of their object."""
    content: dict[str, Any] = json.loads((FOLDER / f"{family}.json").read_text(encoding="utf-8"))
    return content


def take(family: str, clone: Path, revision: str, version: str) -> dict[str, Any]:
    """Return what is to be kept of a family, read from a clone at a revision.

    Raises:
        ProcessError: the clone has no such revision or file.
    """
    origin = ORIGINS[family]

    def git(*arguments: str) -> str:
        return run("git", "-C", clone, *arguments).stdout

    texts = {path: git("show", f"{revision}:{path}") for path in origin.files}
    definitions = [lighten(yaml.safe_load(text)) for text in texts.values()]
    return {
        "source": {
            "repository": origin.repository,
            "licence": origin.licence,
            "version": version,
            "commit": git("rev-parse", f"{revision}^{{commit}}").strip(),
            "files": {path: hashlib.sha256(text.encode()).hexdigest() for path, text in texts.items()},
        },
        "definitions": {item["metadata"]["name"]: item for item in definitions},
    }


def main(arguments: list[str]) -> None:
    """Write `kept/<family>.json`; arguments: family, clone, revision, version."""
    family, clone, revision, version = arguments
    content = take(family, Path(clone), revision, version)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{family}.json").write_text(text.replace('"definitions"', '\n"definitions"', 1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
