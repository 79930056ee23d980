"""Which container of a pod keeps it from being ready, and what its state says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.diagnose.objects import Object, Objects, is_true, name_of, pod_template, status_of

STARTING = {"", "ContainerCreating", "PodInitializing"}
IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
         "RegistryUnavailable", "SignatureValidationFailed"}  # fmt: skip
CONFIG = {"CreateContainerConfigError"}
START = {"CreateContainerError", "RunContainerError", "PreCreateHookError", "PreStartHookError", "PostStartHookError"}
CANNOT_START = 5  # how bad a state is, of 5
WAIT_FOR = "wait-for-"  # init containers of charts/common/templates/_wait.tpl
SIGNALS = {
    126: "the command cannot be executed",
    127: "the command is not in the image",
    134: "it aborted (SIGABRT)",
    137: "it was killed (SIGKILL)",
    139: "it crashed (SIGSEGV)",
    143: "it was stopped (SIGTERM)",
}


@dataclass(frozen=True)
class Container:
    """One container of a pod: its spec and its status."""

    pod: Object
    spec: Object
    status: Object
    init: bool

    @property
    def name(self) -> str:
        """Its name in the pod."""
        return str(self.spec.get("name", ""))

    @property
    def waiting(self) -> Object:
        """The state `waiting`, or an empty dict."""
        return dict((self.status.get("state") or {}).get("waiting") or {})

    @property
    def waits(self) -> str:
        """The reason why it waits, empty where it does not."""
        return str(self.waiting.get("reason", ""))

    @property
    def ended(self) -> Object:
        """How it ended: now, or the time before; an empty dict where it never did."""
        for state in ("state", "lastState"):
            found = (self.status.get(state) or {}).get("terminated")
            if found:
                return dict(found)
        return {}

    @property
    def failed(self) -> bool:
        """Whether it ended with a status other than zero."""
        return bool(self.ended) and int(self.ended.get("exitCode") or 0) != 0

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return int(self.status.get("restartCount") or 0)

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return (self.status.get("state") or {}).get("running") is not None

    @property
    def started_once(self) -> bool:
        """Whether it may have written a log."""
        return self.running or bool(self.ended)

    @property
    def done(self) -> bool:
        """Whether nothing more is expected of it: ready, or an init container that ended well."""
        now = (self.status.get("state") or {}).get("terminated") or {}
        if self.init and self.spec.get("restartPolicy") != "Always":
            return bool(now) and int(now.get("exitCode") or 0) == 0
        if now.get("exitCode") == 0:
            return status_of(self.pod).get("phase") == "Succeeded" or not self.status.get("ready")
        return bool(self.status.get("ready"))

    def end(self) -> str:
        """Return how it ended, in words: `exit code 1 (Error)`."""
        ended = self.ended
        code = int(ended.get("exitCode") or 0)
        reason = str(ended.get("reason", ""))
        if reason == "OOMKilled":
            return f"killed for memory (OOMKilled, limit {self.limit('memory') or 'of the node'})"
        words = SIGNALS.get(code) or (reason if reason not in ("", "Error", "Completed") else "")
        return f"exit code {code}" + (f", {words}" if words else "")

    def limit(self, resource: str) -> str:
        """Return the limit of a resource, empty where there is none."""
        return str(((self.spec.get("resources") or {}).get("limits") or {}).get(resource, ""))


def containers(pod: Object) -> list[Container]:
    """Return a pod's containers in the order they start, init containers first."""
    status, spec = status_of(pod), pod_template(pod)
    found = []
    for key, statuses, init in (
        ("initContainers", "initContainerStatuses", True),
        ("containers", "containerStatuses", False),
    ):
        known: dict[str, Any] = {one.get("name", ""): one for one in status.get(statuses) or []}
        found += [Container(pod, one, known.get(one.get("name", ""), {}), init) for one in spec.get(key) or []]
    return found


def culprit(pod: Object) -> Container | None:
    """Return the container that the pod waits for: one that cannot start, the first open init container, the worst."""
    if fine(pod):
        return None
    open_ones = [one for one in containers(pod) if not one.done]
    cannot_start = [one for one in open_ones if _badness(one) == CANNOT_START]
    first = [*cannot_start, *(one for one in open_ones if one.init)][:1]
    return first[0] if first else max(open_ones, key=_badness, default=None)


def _badness(one: Container) -> int:
    if one.waits in IMAGE | CONFIG | START:
        return CANNOT_START
    if one.waits == "CrashLoopBackOff":
        return 4
    if one.failed:
        return 3
    return 2 if one.waits not in STARTING else 1 if not one.running else 0


def fine(pod: Object) -> bool:
    """Return whether a pod is ready or has done its work."""
    return status_of(pod).get("phase") == "Succeeded" or (
        is_true(pod, "Ready") and not pod.get("metadata", {}).get("deletionTimestamp")
    )


def worst_first(pods: Objects) -> Objects:
    """Return pods with the one that fails most plainly first; of equals the order stays (the newest first)."""

    def rank(pod: Object) -> int:
        if fine(pod):
            return 9
        if pod.get("metadata", {}).get("deletionTimestamp"):
            return 8
        found = culprit(pod)
        if found is None or not found.status:
            return CANNOT_START
        return CANNOT_START - _badness(found)

    return sorted((pod for pod in pods if name_of(pod)), key=rank)
