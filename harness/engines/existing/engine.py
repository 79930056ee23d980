"""The engine `cluster`: a headless Argo CD on this machine, and namespaces of its own in somebody's cluster.

What it may do there is little (ADR 35): it makes namespaces with a random suffix and its label, and Argo CD's
definitions where there are none; it changes nothing that is there, and at the end removes what has its label.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import yaml

from harness import kubeconfig
from harness.cluster import Cluster, Object
from harness.engines import crds
from harness.engines.base import Ability
from harness.engines.embedded import argocd
from harness.engines.embedded.argocd import ArgoCD
from harness.engines.embedded.place import Place
from harness.engines.existing import removal
from harness.engines.existing.settings import ClusterSettings
from harness.engines.existing.survey import Survey, survey
from harness.engines.kept import KeptEngine
from harness.engines.runs import sweep_all
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS
from harness.paths import cache_dir
from harness.toolchain import catalog

TOOLS = ("helm", "argocd", "valkey-server", "kubernetes")
SUFFIX = 5
LETTERS = "bcdfghjklmnpqrstvwxz2456789"  # no word, and no mistake in reading (k8s.io/apimachinery, pkg/util/rand)


def new_run() -> str:
    """Return a random suffix for the namespaces of a run."""
    return "".join(secrets.choice(LETTERS) for _ in range(SUFFIX))


class ExistingCluster(KeptEngine):
    """Somebody's cluster, and a headless Argo CD beside it whose objects are in a namespace of its own.

    Args:
        name: of the engine, and of its run directory.
        settings: see there; not needed to attach to one that runs.
        runs: directory of run directories; without it the user's cache.
    """

    kind = "cluster"
    abilities = frozenset({Ability.ARGOCD, Ability.FAULTS})
    stop_seconds = 150.0  # its namespaces have to be gone

    def __init__(
        self, name: str = "default", settings: ClusterSettings | None = None, *, runs: Path | None = None
    ) -> None:
        super().__init__(name, runs=runs)
        self._settings = settings
        self._run = (settings.run if settings else "") or new_run()

    @property
    def settings(self) -> ClusterSettings:
        """How it is started."""
        if self._settings is None:
            raise UserError("no kubeconfig is named", where="--kubeconfig")
        return self._settings

    @property
    def run(self) -> str:
        """The random suffix of this run's namespaces, and the value of its label."""
        return str(self.description().get("run", self._run))

    @property
    def argocd_namespace(self) -> str:
        """See `Engine.argocd_namespace`."""
        return f"indigo-argocd-{self.run}"

    # --------------------------------------------------------------------- start

    def up(self) -> None:
        """See `Engine.up`; the cluster is only read until its owner has agreed.

        Raises:
            UserError: it may not be used, or not with this kubeconfig, or nobody agrees; nothing was changed then.
        """
        from harness import toolchain

        settings = self.settings
        tools = toolchain.ensure(*TOOLS)
        theirs = Cluster(settings.kubeconfig, settings.context)
        found = self.look(theirs)
        settings.agree(self.changes(theirs, found))
        begin = time.monotonic()
        sweep_all(self.run_dir.parent)
        supervisor, claim = self.keep(argocd.PORTS)
        with self.starting():
            self._write(self.kubeconfig, "default")
            self._write(self.argocd_kubeconfig, self.argocd_namespace)
            place = Place(self.run_dir, settings.logs or self.run_dir / "logs", supervisor, {})
            place.lay_out(tools)
            removal.register(self.run_dir, toolchain.tool("kubectl"), self.kubeconfig, self._run)
            identity = {**settings.timing.config, "installationID": f"indigo-{self._run}"}
            argo = ArgoCD(
                place,
                self.argocd_kubeconfig,
                toolchain.argocd_module_dir(),
                replace(settings.timing, config=identity),
                claim,
                namespace=self.argocd_namespace,
                labels={removal.LABEL: self._run},
                shared=found.shared,
            )
            self._write_down(place, argo, theirs, 0.0)
            argo.start_cache()
            argo.start_repo_server()
            with ThreadPoolExecutor(8, thread_name_prefix="up") as pool:
                argo.take_over(self.cluster(), pool, self._wait)
            self._write_down(place, argo, theirs, time.time())
        self.mark("up", begin)

    def look(self, theirs: Cluster) -> Survey:
        """Return what is in the cluster; see `survey`, which raises where it may not be used."""
        from harness import toolchain

        definitions = crds.prepared(argocd.argocd_definitions(toolchain.argocd_module_dir()), cache_dir() / "crds")
        return survey(theirs, definitions, catalog.find("argocd").version, self.argocd_namespace)

    def changes(self, theirs: Cluster, found: Survey) -> list[str]:
        """Return what is going to be made in the cluster, in words, for whoever has to agree."""
        lines = [
            f"cluster {theirs.transport.server}, Kubernetes {found.kubernetes}",
            f"a namespace {self.argocd_namespace}, for the objects of an Argo CD that runs on this machine",
            f"a namespace indigo-<environment>-{self.run} for each environment that you deploy, and all that is in it",
        ]
        lines += [f"the definition {name}" for name in found.missing]
        if found.shared:
            lines.append(f"as they are stay: the definitions {', '.join(sorted(found.shared))}")
        return [
            *lines,
            f"all of it bears the label {removal.LABEL}={self.run}; `indigo down` removes it, and nothing else",
        ]

    def _wait(self, reached: Callable[[], bool], what: str) -> None:
        self.keeper().wait(reached, what, self.settings.start_seconds, pause=0.2)

    def _write(self, path: Path, namespace: str) -> None:
        content = kubeconfig.flattened(self.settings.kubeconfig, self.settings.context, namespace)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            yaml.safe_dump(content, file)

    def _write_down(self, place: Place, argo: ArgoCD, theirs: Cluster, started: float) -> None:
        self.describe(
            {
                "started": started,
                "logs": str(place.logs),
                "server": theirs.transport.server,
                "ports": place.ports,
                "health": argo.health if started else {},
                "marks": self.marks,
                "run": self._run,
            }
        )

    # -------------------------------------------------------------- environments

    def tree_files(self, repository: Path, environment: str) -> dict[str, str | None]:
        """See `Engine.tree_files`: the environment's namespace gets the run's suffix, no priority class is made."""
        path = ENVIRONMENTS / environment / "config.yaml"
        config = yaml.safe_load((repository / path).read_text(encoding="utf-8"))
        if config.get("priorities"):
            raise UserError(
                f"{environment} makes priority classes, which are the whole cluster's",
                where=f"{path}:priorities",
                fix="deploy an environment without them, such as dev",
            )
        config["namespace"] = f"{config['namespace']}-{self.run}"
        return {str(path): yaml.safe_dump(config, sort_keys=False)}

    def prepare(self, namespace: str) -> None:
        """See `Engine.prepare`: the namespace is made here, with the label by which it goes again.

        Raises:
            UserError: there is one of the name that is not of this run.
        """
        cluster = self.cluster()
        found = cluster.find("Namespace", namespace)
        if found is None:
            metadata: Object = {"name": namespace, "labels": {removal.LABEL: self.run}}
            cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        elif found["metadata"].get("labels", {}).get(removal.LABEL) != self.run:
            raise UserError(
                f"the namespace {namespace} is there, and was not made by this engine",
                where=str(self.description().get("server", "")),
                fix="give the environment another namespace (config.yaml: namespace)",
            )

    # ----------------------------------------------------------------------- end

    def down(self) -> None:
        """See `Engine.down`.

        Raises:
            UserError: something of it is still in the cluster; the next `indigo down` tries again.
        """
        if self.supervisor is None:
            return
        run, at = self.run, json.dumps(str(self.run_dir))
        super().down()
        if self.run_dir.exists():
            raise UserError(
                f"what was made in the cluster is not gone ({removal.LABEL}={run}); {at} stays, it says how it goes",
                fix="see whether the cluster answers, and which object does not go, then: indigo down",
            )
