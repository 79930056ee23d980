"""chart-testing: `ct lint`, and `ct install` on an engine, of the charts that a change touches.

ct is given Helm, kubectl, yamllint and yamale of this project. A component's chart is installed with what the example
of a site (argocd/examples) writes for it, the umbrella with the profile `minimal`; each in a namespace that enforces
the Pod Security Standard of its contract, and that has the Secrets that can be made.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from harness import revisions, toolchain
from harness.checks.pods import pods_of
from harness.cluster import Cluster
from harness.errors import UserError
from harness.model.contract import Contract
from harness.model.environment import UMBRELLA, load_environment, overlay, read_values
from harness.model.load import load_contracts, read_yaml
from harness.model.placement import place
from harness.model.trial import EXAMPLE, MINIMAL
from harness.process import run
from harness.render import helm_template
from harness.secrets.apply import apply
from harness.secrets.plan import State, Wanted, decide, wanted
from harness.secrets.store import ClusterStore

LIBRARY = "common"
CONFIG = "ct.yaml"
ENFORCE = "pod-security.kubernetes.io/enforce"


@dataclass(frozen=True)
class Result:
    """What ct said of one chart; `output` is all that it printed."""

    chart: str
    ok: bool
    output: str

    @property
    def reason(self) -> str:
        """Return the lines in which ct, Helm or the API server say what is wrong."""
        lines = [line.strip() for line in self.output.splitlines()]
        found = [line for line in lines if re.match(r"(Error|✖|\[ERROR\]|.*\[error\])", line)]
        return "\n".join(dict.fromkeys(found)) or "\n".join(lines[-5:])


def charts(repository: Path) -> list[str]:
    """Return the names of all charts that can be installed, in alphabetical order."""
    found = (path.parent.name for path in (repository / "charts").glob("*/Chart.yaml"))
    return sorted(name for name in found if name != LIBRARY)


def changed(repository: Path, base: str) -> list[str]:
    """Return the charts that differ from a commit, uncommitted and untracked files included.

    The library is in every chart, and every chart is in the umbrella.

    Raises:
        UserError: there is no such commit.
    """
    commit = revisions.resolve(repository, base)
    merged = run("git", "merge-base", commit, "HEAD", cwd=repository, check=False).stdout.strip() or commit
    committed = run("git", "diff", "--name-only", merged, "--", "charts", cwd=repository).stdout.splitlines()
    touched = {Path(name).parts[1] for name in (*committed, *revisions.changed(repository, "charts"))}
    if LIBRARY in touched:
        return charts(repository)
    return sorted(touched & set(charts(repository)) | ({UMBRELLA.name} if touched else set()))


def known(repository: Path, names: Sequence[str]) -> list[str]:
    """Return names of charts as they are.

    Raises:
        UserError: one of them is none.
    """
    there = charts(repository)
    for name in names:
        if name not in there:
            raise UserError(f"no chart {name}", where="charts", fix=f"write one of: {', '.join(there)}")
    return list(names)


def environment() -> dict[str, str]:
    """Return the variables that ct needs: a PATH that begins with this project's Helm, kubectl and linters."""
    tools = [toolchain.tool("helm").parent, Path(sys.executable).parent]
    return {"PATH": os.pathsep.join([*map(str, tools), os.environ.get("PATH", "")])}


def alone(repository: Path) -> list[str]:
    """Return the components whose chart becomes ready by itself where pods are real, in alphabetical order.

    They require no other component hard, no Secret that a person has to supply, and no image of the site's own.
    """
    return [
        name
        for name, contract in load_contracts(repository / "charts").items()
        if _independent(contract)
        and "image" not in values(repository, name)
        and not any(decide(item, None, True).of(State.PERSON) for item in _secrets(repository, name))
    ]


def images(repository: Path, names: Sequence[str]) -> list[str]:
    """Return the images of what charts render, without those of hooks that are no pods."""
    found: set[str] = set()
    for name in names:
        chart = repository / "charts" / name
        for item in helm_template(chart, release=name, inline=values(repository, name)):
            found |= {str(container.data["image"]) for pod in pods_of(item) for container in pod.containers}
    return sorted(found)


def lint(repository: Path, names: Sequence[str]) -> Result:
    """Return what `ct lint` says of charts, all in one run."""
    listed = ",".join(f"charts/{name}" for name in names)
    done = run(
        toolchain.tool("ct"), "lint", "--config", CONFIG, "--charts", listed,
        cwd=repository, env=environment(), timeout=900, check=False,
    )  # fmt: skip
    return Result(", ".join(names), done.returncode == 0, done.stdout + done.stderr)


def install(repository: Path, cluster: Cluster, kubeconfig: Path, name: str, seconds: int = 120) -> Result:
    """Return what `ct install` says of one chart; nothing of it is left in the cluster.

    Args:
        repository: the checkout.
        cluster: where it is installed.
        kubeconfig: of that cluster.
        name: of the chart.
        seconds: how long Helm waits until everything is ready.
    """
    namespace = f"ct-{name}-{token_hex(3)}"  # one that an earlier install left may take a while to end
    labels = {ENFORCE: _standard(load_contracts(repository / "charts").get(name))}
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    try:
        apply(_secrets(repository, name), ClusterStore(cluster, namespace), namespace)
        with tempfile.TemporaryDirectory(prefix="indigo-ct-") as folder:
            file = Path(folder) / "values.json"
            file.write_text(json.dumps(values(repository, name)), encoding="utf-8")
            (Path(folder) / "kubectl").symlink_to(toolchain.tool("kubectl"))
            said = _keep_what_helm_says(Path(folder))
            env = environment()
            done = run(
                toolchain.tool("ct"), "install", "--config", CONFIG, "--charts", f"charts/{name}",
                "--namespace", namespace, "--release-name", name,
                "--helm-extra-set-args", f"--values={file}", "--helm-extra-args", f"--timeout={seconds}s",
                cwd=repository, timeout=seconds + 120, check=False,
                env={**env, "PATH": f"{folder}{os.pathsep}{env['PATH']}", "KUBECONFIG": str(kubeconfig)},
            )  # fmt: skip
            errors = said.read_text(encoding="utf-8") if said.is_file() else ""
    finally:
        cluster.delete("Namespace", namespace)
    return Result(name, done.returncode == 0, errors + done.stdout + done.stderr)


def values(repository: Path, name: str) -> dict[str, Any]:
    """Return the values with which a chart is installed by itself."""
    if name == UMBRELLA.name:
        return read_values(repository, load_environment(repository, MINIMAL))
    site = read_yaml(repository / EXAMPLE / "values.yaml", str(EXAMPLE / "values.yaml"))
    shared = {key: value for key, value in site["global"].items() if key != "components"}
    contract = load_contracts(repository / "charts").get(name)
    if contract is not None and contract.exposed:  # the example has no address for what it does not run
        shared["urls"] = {name: f"https://{name}.example.org", **shared.get("urls", {})}
    return overlay(site.get(name) or {}, {"global": shared})


def _keep_what_helm_says(folder: Path) -> Path:
    """Return the file to which the `helm` of a folder appends its errors.

    ct closes the pipe of a program that has ended before all of it is read (chart-testing 3.14.0, pkg/exec), and with
    it goes, now and then, the one line that says why.
    """
    file = folder / "helm.err"
    helm = folder / "helm"
    helm.write_text(f"#!/bin/sh\nexec '{toolchain.tool('helm')}' \"$@\" 2>>'{file}'\n", encoding="utf-8")
    helm.chmod(0o755)
    return file


def _secrets(repository: Path, name: str) -> list[Wanted]:
    """Return the Secrets of a component that requires no other; the pods of the others are never real by themselves."""
    contracts = load_contracts(repository / "charts")
    if name not in contracts or not _independent(contracts[name]):
        return []
    here = {other: {"mode": "embedded" if other == name else "off"} for other in contracts}
    placed = place(contracts, overlay(values(repository, name), {"global": {"components": here}}))
    return wanted(placed.graph, placed.modes, {}, placed.provisioned)


def _independent(contract: Contract) -> bool:
    return not contract.like and not any(need.need == "hard" for need in contract.requires)


def _standard(contract: Contract | None) -> str:
    return contract.security.profile if contract is not None else "restricted"
