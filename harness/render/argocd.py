"""What Argo CD would give Helm, derived from argocd/: ApplicationSet to Applications, Application to inputs.

Only what this project uses is known here; anything else is refused by name, so that a render of ours can never silently
differ from Argo CD's (argo-cd v3.6.1: applicationset/generators/git.go, reposerver/repository/repository.go).
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.model.load import read_yaml
from harness.paths import shown_by
from harness.render.helm import KUBERNETES, Inputs
from harness.render.objects import Object, title

BOOTSTRAP = Path("argocd") / "bootstrap"
_ACTION = re.compile(r"\{\{(.*?)\}\}", re.S)
_FIELD = re.compile(r"^-?\s*\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*-?$")
_SOURCE = {"repoURL", "targetRevision", "path", "helm"}
_HELM = {
    "valueFiles", "values", "valuesObject", "parameters", "releaseName", "namespace", "skipCrds", "skipTests",
    "skipSchemaValidation", "ignoreMissingValueFiles", "kubeVersion", "apiVersions",
}  # fmt: skip


@dataclass(frozen=True)
class Generated:
    """An Application of the ApplicationSet, and the file that it was made from (below the checkout)."""

    file: Path
    application: Object


def generate(applicationset: Object, repository: Path, repo: str) -> Iterator[Generated]:
    """Yield the Applications that an ApplicationSet makes of the files in a checkout, by file name.

    Args:
        applicationset: one git file generator and a Go template of `{{ .key }}` actions.
        repository: the checkout that stands for the Git repository.
        repo: URL of that repository.

    Raises:
        UserError: it uses what is not known here, or a key that a file does not have (`missingkey=error`).
    """
    spec = applicationset["spec"]
    where = title(applicationset)
    for generator in spec["generators"]:
        git = generator.get("git")
        if set(generator) != {"git"} or not git.get("files") or not spec.get("goTemplate"):
            raise UserError(
                "only a git file generator with goTemplate is known", where=where, fix="extend harness/render/argocd.py"
            )
        _same_repository(git.get("repoURL"), repo, where)
        for pattern in git["files"]:
            for file in sorted(repository.glob(pattern["path"])):
                relative = file.relative_to(repository)
                parameters = _parameters(relative, read_yaml(file, str(relative)))
                application = _fill(spec["template"], parameters, f"{where} for {relative}")
                namespace = applicationset["metadata"].get("namespace")
                yield Generated(
                    relative,
                    {
                        "apiVersion": "argoproj.io/v1alpha1",
                        "kind": "Application",
                        "metadata": {"namespace": namespace, **application["metadata"]},
                        "spec": application["spec"],
                    },
                )


def inputs(
    application: Object, repository: Path, repo: str, kube_version: str = KUBERNETES, api_versions: Sequence[str] = ()
) -> Inputs:
    """Return what Argo CD gives Helm for an Application whose source is a folder of the checkout.

    Args:
        application: the Application.
        repository: the checkout that stands for the Git repository.
        repo: URL of that repository.
        kube_version: version of the destination cluster.
        api_versions: what the destination serves, unless the Application says it.

    Raises:
        UserError: several sources, another repository, a key that is not known here, or a values file that is missing.
    """
    where = title(application)
    source = application["spec"].get("source") or {}
    helm = source.get("helm") or {}
    for found, known, place in ((source, _SOURCE, "source"), (helm, _HELM, "source.helm")):
        for key in sorted(set(found) - known):
            raise UserError(f"spec.{place}.{key}: not known here", where=where, fix="extend harness/render/argocd.py")
    if not source:
        raise UserError("spec.source: is missing; several sources are not known here", where=where)
    _same_repository(source.get("repoURL"), repo, where)
    chart = _inside(repository, repository / source["path"], f"{where} spec.source.path")
    ignore = bool(helm.get("ignoreMissingValueFiles"))
    name = application["metadata"]["name"]
    parameters = [
        (item["name"], _plain(item["value"], where), bool(item.get("forceString")))
        for item in helm.get("parameters", ())
    ]
    return Inputs(
        chart=chart,
        release=helm.get("releaseName") or name,
        namespace=helm.get("namespace") or application["spec"]["destination"].get("namespace", ""),
        values=tuple(_values_files(helm.get("valueFiles", ()), repository / source["path"], repository, ignore, where)),
        inline=json.dumps(helm["valuesObject"]) if helm.get("valuesObject") else str(helm.get("values", "")),
        parameters=tuple((key, value) for key, value, text in parameters if not text),
        text_parameters=tuple((key, value) for key, value, text in parameters if text),
        kube_version=helm.get("kubeVersion") or kube_version,
        api_versions=tuple(helm.get("apiVersions") or api_versions),
        crds=not helm.get("skipCrds"),
        schema_validation=not helm.get("skipSchemaValidation"),
        tests=not helm.get("skipTests"),
    )


def _values_files(
    names: Sequence[str], chart: Path, repository: Path, ignore_missing: bool, where: str
) -> Iterator[Path]:
    """Yield the files: relative to the chart, or to the root of the repository where the name begins with a slash."""
    for index, name in enumerate(names):
        key = f"{where} spec.source.helm.valueFiles[{index}]"
        if "://" in name or any(char in name for char in "*?["):
            raise UserError(f"{name}: only single files of the repository are known here", where=key)
        path = repository / name[1:] if _plain(name, key).startswith("/") else chart / name
        inside = _inside(repository, path, key)
        if inside.is_file():
            yield inside
        elif inside.exists() or inside.is_symlink():
            shown = str(inside.relative_to(repository))
            raise UserError("is a folder, or a link that leads to no file", where=shown, fix="make it a file")
        elif not ignore_missing:
            raise UserError(
                f"values file {inside.relative_to(repository)} is missing", where=key, fix="create it, or mend the name"
            )


def _inside(repository: Path, path: Path, where: str) -> Path:
    origin = shown_by(repository)
    if origin is not None:  # a view, whose folders are links to the checkout: the files are there
        seen = Path(os.path.normpath(path))
        if seen.is_relative_to(repository):
            return seen.resolve() if seen.resolve().is_relative_to(origin) else seen
    # normalised by text, as Argo CD does before it follows links
    resolved = Path(re.sub(r"/+", "/", str(path.parent.resolve() / path.name)))
    if not resolved.is_relative_to(repository.resolve()):
        raise UserError(f"{path} is outside the repository, which Argo CD refuses", where=where)
    return repository / resolved.relative_to(repository.resolve())


def _same_repository(url: str | None, repo: str, where: str) -> None:
    if url != repo:
        raise UserError(
            f"repoURL {url} is another repository than {repo}; only this checkout can be rendered", where=where
        )


def _plain(value: str, where: str) -> str:
    if "$" in str(value):
        raise UserError(f"{value}: variables of Argo CD's build environment are not known here", where=where)
    return str(value)


def _parameters(file: Path, content: Any) -> dict[str, Any]:
    """Return what the git file generator gives a template: the file's content, and `path` for its place."""
    if not isinstance(content, dict):
        raise UserError(f"expected a mapping, found {type(content).__name__}", where=str(file))
    folder = file.parent
    place = {
        "path": str(folder),
        "basename": folder.name,
        "filename": file.name,
        "basenameNormalized": re.sub(r"[^-a-z0-9.]", "-", folder.name.lower()),
        "filenameNormalized": re.sub(r"[^-a-z0-9.]", "-", file.name.lower()),
        "segments": list(folder.parts),
    }
    return {**content, "path": place}


def _fill(value: Any, parameters: Mapping[str, Any], where: str) -> Any:
    if isinstance(value, dict):
        return {_fill(key, parameters, where): _fill(item, parameters, where) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, parameters, where) for item in value]
    if isinstance(value, str):
        return _ACTION.sub(lambda action: _action(action[1], parameters, where), value)
    return value


def _action(action: str, parameters: Mapping[str, Any], where: str) -> str:
    field = _FIELD.match(action.strip())
    if not field:
        raise UserError(
            f"{{{{{action}}}}}: only {{{{ .key }}}} is known here", where=where, fix="extend harness/render/argocd.py"
        )
    found: Any = parameters
    for step in field[1].split("."):
        if not isinstance(found, Mapping) or step not in found:
            raise UserError(
                f"{field[1]}: the template of the ApplicationSet needs it",
                where=where,
                fix=f"write {field[1]} in the file",
            )
        found = found[step]
    return str(found)
