"""Argo CD's Applications: refresh, sync, and wait with a watch for what is expected of them.

There is no Argo CD API server here: everything is said as Argo CD's controller reads it, in the Application itself
(annotations and the field `operation`: Argo CD's docs, "Core" installation; pkg/apis/application/v1alpha1/types.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from harness.argo.application import REFRESH, Application, Operation, is_healthy, is_idle, is_synced
from harness.cluster import Cluster, NotFound, Object

__all__ = ["Application", "Applications", "NotReached", "Operation", "is_healthy", "is_idle", "is_synced"]

KIND = "Application"
API_VERSION = "argoproj.io/v1alpha1"
CASCADE = "resources-finalizer.argocd.argoproj.io"
Condition = Callable[[Application], bool]


class NotReached(AssertionError):
    """An Application was not in the expected state in time; the text says in which it was, and why."""


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
