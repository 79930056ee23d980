"""Argo CD's Applications: refresh, sync, and wait with a watch for what is expected of them.

There is no Argo CD API server here: everything is said as Argo CD's controller reads it, in the Application itself
(annotations and the field `operation`: Argo CD's docs, "Core" installation; pkg/apis/application/v1alpha1/types.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from harness.cluster import Cluster, NotFound, Object

KIND = "Application"
API_VERSION = "argoproj.io/v1alpha1"
REFRESH = "argocd.argoproj.io/refresh"
CASCADE = "resources-finalizer.argocd.argoproj.io"
FINISHED = ("Succeeded", "Failed", "Error")
Condition = Callable[["Application"], bool]


class NotReached(AssertionError):
    """An Application was not in the expected state in time; the text says in which it was, and why."""


@dataclass(frozen=True)
class ResourceState:
    """One resource of an Application, as `status.resources` has it; `wave` is its sync wave, `health` may be empty."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str
    status: str
    health: str
    message: str
    wave: int
    hook: bool
    requires_pruning: bool

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True)
class ResourceResult:
    """What an operation did to one resource (`status.operationState.syncResult.resources`)."""

    kind: str
    namespace: str
    name: str
    status: str
    hook_type: str
    hook_phase: str
    sync_phase: str
    message: str


@dataclass(frozen=True)
class Operation:
    """The current or last operation (`status.operationState`); times are None while unknown."""

    phase: str
    message: str
    revision: str
    started: datetime | None
    finished: datetime | None
    retries: int
    results: tuple[ResourceResult, ...]

    @property
    def done(self) -> bool:
        """Whether it has ended, well or not."""
        return self.phase in FINISHED


@dataclass(frozen=True)
class Application:
    """One Application as it was seen once; `manifest` is the whole object."""

    manifest: Object

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def _status(self) -> dict[str, Any]:
        status: dict[str, Any] = self.manifest.get("status") or {}
        return status

    @property
    def sync(self) -> str:
        """Synced, OutOfSync or Unknown; empty before the first comparison."""
        return str(self._status.get("sync", {}).get("status", ""))

    @property
    def health(self) -> str:
        """Healthy, Progressing, Degraded, Suspended, Missing or Unknown; empty before the first comparison."""
        return str(self._status.get("health", {}).get("status", ""))

    @property
    def revision(self) -> str:
        """The commit it was last compared with."""
        return str(self._status.get("sync", {}).get("revision", ""))

    @property
    def reconciled_at(self) -> str:
        """When it was last compared (RFC 3339), or empty."""
        return str(self._status.get("reconciledAt", ""))

    @property
    def refreshing(self) -> bool:
        """Whether an asked-for comparison has not happened yet."""
        return REFRESH in (self.manifest["metadata"].get("annotations") or {})

    @property
    def operation_requested(self) -> bool:
        """Whether an operation is asked for that the controller has not finished (it clears the field at the end)."""
        return bool(self.manifest.get("operation"))

    @property
    def operation(self) -> Operation | None:
        """The current or last operation, or None before the first one."""
        state = self._status.get("operationState")
        if not state:
            return None
        result = state.get("syncResult") or {}
        return Operation(
            phase=state.get("phase", ""),
            message=state.get("message", ""),
            revision=result.get("revision", ""),
            started=_time(state.get("startedAt")),
            finished=_time(state.get("finishedAt")),
            retries=state.get("retryCount", 0),
            results=tuple(
                ResourceResult(
                    kind=entry.get("kind", ""),
                    namespace=entry.get("namespace", ""),
                    name=entry.get("name", ""),
                    status=entry.get("status", ""),
                    hook_type=entry.get("hookType", ""),
                    hook_phase=entry.get("hookPhase", ""),
                    sync_phase=entry.get("syncPhase", ""),
                    message=entry.get("message", ""),
                )
                for entry in result.get("resources") or []
            ),
        )

    @property
    def resources(self) -> tuple[ResourceState, ...]:
        """The resources it manages, in Argo CD's order."""
        return tuple(
            ResourceState(
                group=entry.get("group", ""),
                version=entry.get("version", ""),
                kind=entry.get("kind", ""),
                namespace=entry.get("namespace", ""),
                name=entry.get("name", ""),
                status=entry.get("status", ""),
                health=(entry.get("health") or {}).get("status", ""),
                message=(entry.get("health") or {}).get("message", ""),
                wave=entry.get("syncWave", 0),
                hook=entry.get("hook", False),
                requires_pruning=entry.get("requiresPruning", False),
            )
            for entry in self._status.get("resources") or []
        )

    @property
    def conditions(self) -> tuple[str, ...]:
        """What Argo CD complains about: `ComparisonError: rpc error ...`."""
        return tuple(f"{entry['type']}: {entry.get('message', '')}" for entry in self._status.get("conditions") or [])

    def summary(self) -> str:
        """Return a few lines for a failed expectation: states, operation, complaints, what is not in order."""
        lines = [f"{self.name}: sync {self.sync or '-'}, health {self.health or '-'}, revision {self.revision[:12]}"]
        if operation := self.operation:
            lines.append(f"operation: {operation.phase}, {operation.message}")
            lines += [
                f"  {result.kind}/{result.name}: {result.hook_phase or result.status} {result.message}".rstrip()
                for result in operation.results
                if result.hook_phase in ("Failed", "Error") or result.status == "SyncFailed"
            ]
        lines += self.conditions
        wrong = [entry for entry in self.resources if entry.status != "Synced" or entry.health not in ("", "Healthy")]
        lines += [
            f"  wave {entry.wave} {entry}: {entry.status} {entry.health} {entry.message}".rstrip()
            for entry in wrong[:20]
        ]
        if len(wrong) > 20:
            lines.append(f"  and {len(wrong) - 20} more")
        return "\n".join(lines)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def is_synced(app: Application) -> bool:
    """Whether the live state is the desired one, and nothing is under way or asked for."""
    return app.sync == "Synced" and not app.refreshing and is_idle(app)


def is_healthy(app: Application) -> bool:
    """Whether it is synced and everything in it is healthy."""
    return is_synced(app) and app.health == "Healthy"


def is_idle(app: Application) -> bool:
    """Whether no operation is asked for or running."""
    return not app.operation_requested and (app.operation is None or app.operation.done)


class Applications:
    """The Applications of one namespace.

    Args:
        cluster: where Argo CD's own objects are.
        namespace: of the Applications.
        check: called while waiting; raises when the engine is broken, so that nobody waits for a dead server.
    """

    def __init__(self, cluster: Cluster, namespace: str = "argocd", check: Callable[[], None] | None = None) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.check = check or (lambda: None)

    def get(self, name: str) -> Application:
        """Return an Application; raises NotFound."""
        return Application(self.cluster.get(KIND, name, self.namespace, API_VERSION))

    def all(self) -> list[Application]:
        """Return every Application of the namespace."""
        return [Application(item) for item in self.cluster.list(KIND, self.namespace, api_version=API_VERSION)]

    def apply(self, manifest: Object) -> Application:
        """Apply an Application (its namespace defaults to this one) and return it."""
        metadata = {"namespace": self.namespace, **manifest["metadata"]}
        return Application(self.cluster.apply({**manifest, "metadata": metadata}))

    def delete(self, name: str, *, cascade: bool = True, seconds: float = 60.0) -> None:
        """Delete an Application and wait until it is gone; with `cascade` its resources go first.

        Raises:
            NotReached: it, or what it manages, is still there after `seconds`.
        """
        try:
            finalizers = [CASCADE] if cascade else []
            self._patch(name, {"metadata": {"finalizers": finalizers}})
        except NotFound:
            return
        self.cluster.delete(KIND, name, self.namespace, api_version=API_VERSION)
        last = None
        for app in self._watch(name, seconds):
            if app is None and not self.cluster.find(KIND, name, self.namespace, API_VERSION):
                return
            last = app or last
        raise NotReached(f"{name} is not deleted after {seconds:g} s\n{last.summary() if last else ''}")

    def refresh(self, name: str, *, how: Literal["normal", "hard"] = "hard", seconds: float = 60.0) -> Application:
        """Let Argo CD compare an Application with its source now, and return it compared.

        Args:
            name: of the Application.
            how: `hard` renders anew even where the commit is the same.
            seconds: how long that may take.

        Raises:
            NotReached: no comparison in that time.
        """
        self._patch(name, {"metadata": {"annotations": {REFRESH: how}}})
        return self.wait_for(name, lambda app: not app.refreshing, seconds, what="compared")

    def sync(
        self,
        name: str,
        *,
        revision: str | None = None,
        prune: bool = False,
        resources: list[dict[str, str]] | None = None,
        options: tuple[str, ...] = (),
        dry_run: bool = False,
        seconds: float = 120.0,
    ) -> Operation:
        """Start a sync, wait for its end, however it ends, and return it.

        Args:
            name: of the Application.
            revision: commit or branch; without it the Application's own target revision.
            prune: whether what is not in Git any more is deleted.
            resources: only these (`group`, `kind`, `name`, `namespace`).
            options: sync options, such as `ServerSideApply=true`.
            dry_run: whether nothing is changed.
            seconds: how long it may take.

        Raises:
            NotReached: it has not ended in that time; another operation is under way.
        """
        before = self.wait_for(name, is_idle, seconds, what="free for a sync").operation
        asked: dict[str, Any] = {"prune": prune, "syncStrategy": {"hook": {}}}
        if revision:
            asked["revision"] = revision
        if resources:
            asked["resources"] = resources
        if options:
            asked["syncOptions"] = list(options)
        if dry_run:
            asked["dryRun"] = True
        self._patch(name, {"operation": {"initiatedBy": {"username": "indigo"}, "sync": asked}})

        def ended(app: Application) -> bool:
            return is_idle(app) and app.operation is not None and app.operation != before

        operation = self.wait_for(name, ended, seconds, what="through its sync").operation
        if operation is None:  # for the type checker: `ended` excludes it
            raise NotReached(f"{name} has no operation")
        return operation

    def terminate(self, name: str) -> None:
        """End the operation under way, if there is one (as `argocd app terminate-op`)."""
        if not is_idle(self.get(name)):
            self._patch(name, {"status": {"operationState": {"phase": "Terminating"}}})

    def wait_for(
        self, name: str, condition: Condition, seconds: float = 120.0, *, what: str = "in the expected state"
    ) -> Application:
        """Watch an Application until a condition holds and return it as it was then.

        Args:
            name: of the Application; it may not exist yet.
            condition: what is waited for.
            seconds: how long.
            what: the condition in words, for the error.

        Raises:
            NotReached: with a summary of the last state seen.
            UserError: a server of the engine died meanwhile (`check`).
        """
        last: Application | None = None
        for app in self._watch(name, seconds):
            last = app or last
            if app and condition(app):
                return app
        state = last.summary() if last else f"there is no Application {name}"
        raise NotReached(f"{name} is not {what} after {seconds:g} s\n{state}")

    def _watch(self, name: str, seconds: float) -> Iterator[Application | None]:
        """Yield each state of an Application; None when it was deleted, and now and then when nothing happens."""
        self.check()
        watch = self.cluster.watch(KIND, self.namespace, name=name, seconds=seconds, pulse=1.0, api_version=API_VERSION)
        for kind, item in watch:
            self.check()
            yield Application(item) if kind in ("ADDED", "MODIFIED") else None

    def _patch(self, name: str, patch: Object) -> None:
        self.cluster.patch(KIND, name, patch, self.namespace, api_version=API_VERSION)
