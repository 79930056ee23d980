"""One Argo CD Application as it was seen once: its states, its operation, its resources, in typed form.

Source of the fields: Argo CD 3.6.1, pkg/apis/application/v1alpha1/types.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from harness.cluster import Object

REFRESH = "argocd.argoproj.io/refresh"
FINISHED = ("Succeeded", "Failed", "Error")


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
