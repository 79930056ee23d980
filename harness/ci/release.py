"""Charts as OCI artifacts: packed with the version of the tag, pushed to a registry, each digest written down.

The digests are what a provenance is made for (GitHub's attestations, in the workflow `release`), and what a reader
verifies: `gh attestation verify oci://<registry>/<chart>:<version> --owner <owner>`.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from harness import toolchain
from harness.ci.charts import charts
from harness.errors import UserError
from harness.model.load import read_yaml
from harness.process import ProcessError, run

FOLDER = Path("build") / "charts"
SUMS = "SHA256SUMS"
PUSHED = "pushed.sha256"
USER, PASSWORD = "REGISTRY_USER", "REGISTRY_PASSWORD"


def version(repository: Path, tag: str = "") -> str:
    """Return the version that all charts have.

    Args:
        repository: the checkout.
        tag: of the release (v0.1.0); it has to be that version.

    Raises:
        UserError: charts of several versions, or a tag of another one.
    """
    found: dict[str, list[str]] = {}
    for name in charts(repository):
        where = f"charts/{name}/Chart.yaml"
        found.setdefault(str(read_yaml(repository / where, where)["version"]), []).append(name)
    if len(found) != 1:
        rare = min(found.items(), key=lambda item: len(item[1]))
        raise UserError(
            f"the charts have several versions: {', '.join(sorted(found))}",
            where=f"charts/{rare[1][0]}/Chart.yaml",
            fix="all charts are released together: give them one version",
        )
    (only,) = found
    if tag and tag != f"v{only}":
        raise UserError(f"the tag {tag} is not the charts' version {only}", fix=f"tag v{only}, or raise the version")
    return only


def package(repository: Path, tag: str = "") -> list[Path]:
    """Pack every chart into `build/charts`, with `SHA256SUMS`, and return the archives.

    Raises:
        UserError: as `version`; ProcessError: Helm refuses.
    """
    wanted = version(repository, tag)
    folder = repository / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    with _helm() as (helm, env):
        for name in charts(repository):
            run(helm, "package", f"charts/{name}", "--destination", folder, cwd=repository, env=env)
    archives = [folder / f"{name}-{wanted}.tgz" for name in charts(repository)]
    sums = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in archives]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")
    return archives


def push(repository: Path, registry: str, tag: str = "", *, plain_http: bool = False) -> dict[str, str]:
    """Pack every chart and push it; return the digests by reference, which `build/charts/pushed.sha256` has too.

    Args:
        repository: the checkout.
        registry: host and path, without a scheme: registry.example.org/indigo/charts.
        tag: of the release.
        plain_http: whether the registry speaks no TLS (one on this machine).

    Raises:
        UserError: as `version`, or the registry refuses.
    """
    if "://" in registry or not re.fullmatch(r"[\w.-]+(:\d+)?(/[\w.-]+)*", registry):
        raise UserError(f"{registry or 'nothing'} is not a registry", fix="write host and path, without a scheme")
    archives = package(repository, tag)
    options = ["--plain-http"] if plain_http else []
    digests: dict[str, str] = {}
    with _helm() as (helm, env):
        try:
            if os.environ.get(USER):
                login = (helm, "registry", "login", registry.partition("/")[0], "--username", os.environ[USER])
                run(*login, "--password-stdin", *options, env=env, stdin=os.environ.get(PASSWORD, ""))
            for archive in archives:
                said = run(helm, "push", archive, f"oci://{registry.lower()}", *options, env=env, timeout=600)
                text = said.stdout + said.stderr
                reference, digest = _said(text, "Pushed"), _said(text, "Digest")
                digests[reference] = digest
        except ProcessError as error:
            fix = f"{USER} and {PASSWORD} are read from the environment"
            raise UserError(f"the registry {registry} refuses", fix=fix, details=error.stderr) from None
    lines = [f"{digest.removeprefix('sha256:')}  {reference}\n" for reference, digest in digests.items()]
    (repository / FOLDER / PUSHED).write_text("".join(lines), encoding="utf-8")
    return digests


def _said(text: str, key: str) -> str:
    found = re.search(rf"^{key}: (\S+)$", text, re.MULTILINE)
    if not found:
        raise UserError(f"helm push says no {key}", details=text)
    return found[1]


@contextmanager
def _helm() -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Yield Helm and variables that keep it from the user's own settings and credentials."""
    with tempfile.TemporaryDirectory(prefix="indigo-helm-") as home:
        env = {f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}
        env |= {"HELM_REGISTRY_CONFIG": f"{home}/registry.json", "HELM_PLUGINS": home}
        yield toolchain.tool("helm"), env
