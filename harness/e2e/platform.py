"""An environment of the platform on an engine, driven as its users drive it: by commits that Argo CD follows."""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from harness.argo.applications import Application, Applications, NotReached, is_idle
from harness.argo.source import WorkingTreeSource
from harness.cluster import Cluster, NotFound, Object
from harness.diagnose import health
from harness.e2e.observe import KINDS, Observer, Seen
from harness.engines.base import Engine
from harness.model.environment import Environment, load_environment, read_values, secret_names
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.render import render_bootstrap, render_environment
from harness.report.model import State
from harness.report.recorder import Recorder, SyncRecorder
from harness.secrets.apply import apply, labels, provenance
from harness.secrets.plan import Planned, plan, wanted
from harness.secrets.plan import State as SecretState
from harness.secrets.references import demanded
from harness.secrets.shapes import Hidden
from harness.secrets.store import ClusterStore, SecretStore

ROOT = "indigo-root"
TRACKING = "argocd.argoproj.io/tracking-id"
ENVIRONMENTS = "indigo-environments"
PATIENCE = 180.0
"""Seconds after which something that is waited for is said not to come: a limit, not a measure; machines are busy."""
Pods = dict[str, set[str]]


def converged(revision: str) -> Callable[[Application], bool]:
    """Return the condition that an Application is Synced and Healthy at a commit and nothing is under way."""

    def holds(app: Application) -> bool:
        calm = is_idle(app) and not app.refreshing
        return calm and app.revision == revision and app.sync == "Synced" and app.health == "Healthy"

    return holds


class Platform:
    """One environment, on an engine that is up, from a Git source.

    Args:
        engine: is up.
        source: what Argo CD follows.
        recorder: is told of phases and syncs.
        environment: a folder of argocd/environments.
        commit: of the source, in which it is; default: the tree that the source began with.
    """

    def __init__(
        self,
        engine: Engine,
        source: WorkingTreeSource,
        recorder: Recorder,
        environment: str = "dev",
        commit: str | None = None,
    ) -> None:
        self.engine = engine
        self.source = source
        self.recorder = recorder
        self.commit = commit or source.working_tree
        self.environment: Environment = load_environment(self.tree, environment)
        self.namespace = self.environment.namespace
        self.contracts = load_contracts(self.tree / "charts")
        placed = place(self.contracts, read_values(self.tree, self.environment))
        self.graph = placed.graph
        self.components = placed.here()
        """The components that run in this environment."""
        self.cluster: Cluster = engine.cluster()
        self.apps = Applications(self.cluster, engine.argocd_namespace, check=engine.check)
        self.name = f"indigo-{environment}"
        """Its Application where it is delivered as a whole, and what its slices' names begin with."""
        self.parent = f"env-{environment}"
        self.values_path = f"argocd/environments/{environment}/values.yaml"
        self.config_path = f"argocd/environments/{environment}/config.yaml"

    # ------------------------------------------------------------ as an operator

    def bootstrap(self, *beside: Platform) -> None:
        """Apply what an operator applies once, for this environment and those beside it; Argo CD does the rest."""
        names = [self.environment.name, *(other.environment.name for other in beside)]
        tree = (self, *beside)[-1].tree  # the latest commit: it has the environments of those before
        self.engine.prepare(self.namespace)
        argocd = self.engine.argocd_namespace
        for item in render_bootstrap(
            self.source.url, "main", repository=tree, environments=names, argocd_namespace=argocd
        ):
            self.cluster.apply(item, manager="operator")

    def retire(self, *others: Platform) -> None:
        """Take environments that were brought up beside this one out of Argo CD's hands; what they run stays."""
        self.bootstrap()
        paths = {f"argocd/environments/{other.environment.name}/config.yaml" for other in others}

        def named() -> bool:
            (generator,) = self.cluster.get("ApplicationSet", ENVIRONMENTS, self.apps.namespace)["spec"]["generators"]
            return bool(paths & {file["path"] for file in generator["git"]["files"]})

        self.until(lambda: not named(), "the ApplicationSet makes this environment alone")
        for other in others:
            for name in (other.parent, f"{other.name}-namespace", *other.environment.applications):
                self.cluster.delete("Application", name, self.apps.namespace)

    def create_secrets(self, seconds: float = PATIENCE) -> int:
        """Create the Secrets that the contracts ask for once the namespace is there; return how many keys were made."""
        for _, item in self.cluster.watch("Namespace", name=self.namespace, seconds=seconds):
            if item.get("status", {}).get("phase") == "Active":
                break
        values = read_values(self.tree, self.environment)
        placed = place(self.contracts, values)
        needed = demanded(self.rendered())
        items = wanted(placed.graph, placed.modes, secret_names(values), placed.provisioned, needed)
        store = ClusterStore(self.cluster, self.namespace)
        made = sum(len(done.added) for done in apply(items, store, self.namespace))
        return made + self._stand_in(plan(items, store), store)

    def _stand_in(self, planned: Sequence[Planned], store: SecretStore) -> int:
        """Create what a person would supply, with values that nothing accepts; return how many keys were made."""
        made = 0
        for item in planned:
            data = {key: Hidden(b"stands for what a person supplies") for key in item.of(SecretState.PERSON)}
            found = store.get(item.wanted.name)
            if data and found is None:
                store.create(item.wanted.name, data, labels(), provenance(item.wanted))
            elif data and found is not None:
                store.add(item.wanted.name, data, found.version)
            made += len(data)
        return made

    # ----------------------------------------------------------- as a developer

    def values_edit(self, values: Mapping[str, Any], base: str | None = None) -> dict[str, str | None]:
        """Return the edit that writes the environment's values: those of a commit with `values` merged over them.

        Args:
            values: what is to be otherwise.
            base: the commit; default: the working tree as it was found.
        """
        own = yaml.safe_load(self.source.read(self.values_path, base or self.commit))
        return {self.values_path: yaml.safe_dump(merged(own, values), sort_keys=True)}

    def values(self, values: Mapping[str, Any], message: str, base: str | None = None) -> str:
        """Commit the environment's values (see `values_edit`) and return the commit."""
        return self.source.commit(message, self.values_edit(values, base))

    def config(self, changes: Mapping[str, Any], message: str) -> str:
        """Commit changes to the environment's config.yaml, as the head of the branch has it, and return the commit."""
        own = yaml.safe_load(self.source.read(self.config_path))
        revision = self.source.commit(message, {self.config_path: yaml.safe_dump({**own, **changes}, sort_keys=False)})
        self.environment = Environment.model_validate({**own, **changes})
        return revision

    def refresh(self) -> None:
        """Let Argo CD look at the repository now instead of at its next poll."""
        self._annotate("ApplicationSet", ENVIRONMENTS, {"argocd.argoproj.io/application-set-refresh": "true"})
        for name in (ROOT, self.parent, f"{self.name}-namespace", *self.environment.applications):
            with contextlib.suppress(NotFound):  # it is about to be made
                self._annotate("Application", name, {"argocd.argoproj.io/refresh": "normal"})

    def _annotate(self, kind: str, name: str, annotations: Mapping[str, str]) -> None:
        self.cluster.patch(kind, name, {"metadata": {"annotations": dict(annotations)}}, self.apps.namespace)

    def deliver(self, revision: str, what: str, seconds: float = PATIENCE) -> list[Seen]:
        """Let Argo CD bring a commit to the cluster; return what was seen until it was Synced and Healthy.

        Raises:
            NotConverged: it was not within `seconds`; names what blocks.
        """
        with self.watching(what) as observer:
            self.refresh()
            self.wait(converged(revision), f"{what}: Synced and Healthy at {revision[:8]}", seconds)
            return observer.seen()

    def end_for(self, revision: str) -> None:
        """End the sync of an older commit that waits, once Argo CD knows of this one.

        In the other order Argo CD begins the older one again, which is the newest that it knows.
        """
        self.refresh()
        self.wait(lambda app: app.revision == revision, f"compared with {revision[:8]}")
        for name in self.environment.applications:
            self.apps.terminate(name)
        self.refresh()

    def sync_again(self) -> None:
        """Run a sync of the commit that is there already, as the button in Argo CD does."""
        for name in self.environment.applications:
            operation = self.apps.sync(name, prune=True)
            assert operation.phase == "Succeeded", operation
        self.wait(converged(self.source.head), "Synced and Healthy after a second sync")

    def refused(self, revision: str, seconds: float = PATIENCE) -> str:
        """Let Argo CD look at a commit that cannot be rendered and return what it says."""
        self.refresh()
        app = self.wait(
            lambda app: not app.refreshing and any("ComparisonError" in line for line in app.conditions),
            f"{revision[:8]} is refused",
            seconds,
        )
        return "\n".join(app.conditions)

    def wait(self, condition: Callable[[Application], bool], what: str, seconds: float = PATIENCE) -> Application:
        """Wait until the environment's Application (each of its slices) meets a condition and return it (the last).

        Raises:
            NotConverged: it did not; carries the diagnosis.
        """
        end = time.monotonic() + seconds
        try:
            found = [
                self.apps.wait_for(name, condition, max(1.0, end - time.monotonic()), what=what)
                for name in self.environment.applications
            ]
        except NotReached as error:
            raise NotConverged(self, str(error)) from None
        return found[-1]

    def until(self, condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
        """Wait until something holds that no Application shows."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
            time.sleep(0.1)

    @contextlib.contextmanager
    def watching(self, what: str) -> Iterator[Observer]:
        """Observe the environment's objects and feed them to the report as one sync."""
        with self.recorder.sync(what) as sync:

            def tell(seen: Seen) -> None:
                _tell(sync, seen, self.graph)

            with Observer(self.cluster, self.namespace, on_change=tell, kinds=self.kinds) as observer:
                yield observer

    @contextlib.contextmanager
    def held(self, server: str) -> Iterator[None]:
        """Stop one of the engine's servers for a while (SIGSTOP), as if it hung."""
        self.engine.kill(server, signal.SIGSTOP)
        try:
            yield
        finally:
            self.engine.kill(server, signal.SIGCONT)

    # -------------------------------------------------------------------- looks

    def application(self) -> Application:
        """Return the environment's Application as it stands."""
        return self.apps.get(self.name)

    def rendered(self, tree: Path | None = None) -> list[Object]:
        """Return what a tree (by default the working tree as committed) renders for the environment's umbrella."""
        return render_environment(self.environment.name, repository=tree or self.tree).objects()

    @cached_property
    def tree(self) -> Path:
        """A copy of the working tree as it was committed: whoever edits on during the run does not disturb it."""
        directory = self.source.directory.parent / f"tree-{self.commit[:12]}"  # of all environments of the commit
        return directory if directory.is_dir() else self.source.checkout(self.commit, directory)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are watched: those that every environment has, and those that this one renders."""
        return tuple(dict.fromkeys((*KINDS, *(item["kind"] for item in self.rendered()))))

    def resources(self) -> dict[str, Object]:
        """Return every object that Argo CD tracks for the environment: `Kind/name` -> object."""
        found = {}
        for kind in self.kinds:
            for item in self.cluster.list(kind, self.namespace):
                tracked = item["metadata"].get("annotations", {}).get(TRACKING, "")
                if tracked.partition(":")[0] in self.environment.applications:
                    found[f"{kind}/{item['metadata']['name']}"] = item
        return found

    def resource_versions(self) -> dict[str, str]:
        """Return the resource version of every tracked object; of a CronJob, who wrote it when.

        Its controller writes the time of each run into the status, and a run may fall between two looks.
        """
        return {
            key: _writers(item) if item["kind"] == "CronJob" else item["metadata"]["resourceVersion"]
            for key, item in self.resources().items()
        }

    def pods(self) -> Pods:
        """Return the uids of the serving pods of each component."""
        found: Pods = {}
        for item in self.cluster.list("Pod", self.namespace, labels="indigo-paas/role=server"):
            if "deletionTimestamp" not in item["metadata"]:
                component = item["metadata"]["labels"]["app.kubernetes.io/name"]
                found.setdefault(component, set()).add(item["metadata"]["uid"])
        return found

    def images(self) -> dict[str, str]:
        """Return the image of each component's workload."""
        return {
            name: item["spec"]["template"]["spec"]["containers"][0]["image"]
            for name, item in _workloads(list(self.resources().values())).items()
        }


class NotConverged(AssertionError):
    """The environment did not reach what was waited for; the text says what blocks, why, and what waits for it."""

    def __init__(self, platform: Platform, what: str) -> None:
        from harness.diagnose import collect, diagnose

        lines = [what]
        try:
            masker = platform.recorder.masker
            snapshot = collect(
                platform.cluster,
                platform.name,
                platform.namespace,
                masker=masker,
                argocd_namespace=platform.apps.namespace,
            )
            diagnosis = diagnose(snapshot, platform.graph, masker)
            lines.append(diagnosis.to_text())
            if platform.recorder.directory:
                bundle = platform.recorder.directory / "bundle"
                diagnosis.write_bundle(bundle)
                platform.recorder.artefact("what blocked", bundle)
        except Exception as error:  # the help must not hide what it was to explain
            lines.append(f"(no diagnosis: {type(error).__name__}: {error})")
        super().__init__("\n".join(lines))


def _tell(sync: SyncRecorder, seen: Seen, graph: Graph) -> None:
    if seen.component not in graph.contracts or seen.deleted_at is not None:
        return
    state = State.HEALTHY if seen.ready is not None else State.PROGRESSING
    if seen.health.state is health.State.DEGRADED:
        state = State.DEGRADED
    wave = seen.wave if seen.wave is not None else graph.wave(seen.component)
    waits = [seen.waits_for] if seen.waits_for else []
    sync.item(seen.component, seen.kind, seen.name, wave=wave, state=state, waits_for=waits)


def _workloads(objects: list[Object]) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in objects if item["kind"] in ("Deployment", "StatefulSet")}


def pod_templates(objects: list[Object]) -> dict[str, str]:
    """Return a hash of each workload's pod template, by name: what decides whether its pods are replaced."""
    return {
        name: hashlib.sha256(json.dumps(item["spec"]["template"], sort_keys=True).encode()).hexdigest()
        for name, item in _workloads(objects).items()
    }


def rolled(before: Pods, after: Pods) -> set[str]:
    """Return the components of which a pod was replaced."""
    return {component for component in before.keys() & after.keys() if before[component] - after[component]}


def merged(base: Mapping[str, Any] | None, over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `over` merged into `base`, maps key by key, as Helm merges values files."""
    result = dict(base or {})
    for key, value in over.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def _writers(item: Object) -> str:
    """Return who wrote an object but for its status, and when."""
    entries = [entry for entry in item["metadata"]["managedFields"] if entry.get("subresource") != "status"]
    return str(sorted((entry["manager"], entry["time"]) for entry in entries))
