"""What a diagnosis says, as data: the object that blocks, why, what waits for it, what to do."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

if TYPE_CHECKING:
    from harness.diagnose.snapshot import Snapshot
    from harness.report.masking import Masker


class Verdict(enum.StrEnum):
    """What an operator has to know first."""

    BLOCKED = "blocked"  # it does not converge by itself, or has failed
    RUNNING = "running"  # nothing is wrong yet: something takes its time
    CONVERGED = "converged"  # Synced, Healthy, no operation under way


class Frozen(BaseModel):
    """A closed value that does not change."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Ref(Frozen):
    """An object of the cluster, and the sync wave it is in (None: it has none, as an Application)."""

    kind: str
    name: str
    namespace: str = ""
    wave: int | None = None

    def __str__(self) -> str:
        wave = "" if self.wave is None else f", wave {self.wave}"
        return f"{self.name} ({self.kind}{wave})"


class Reason(Frozen):
    """One fact and where it stands in the cluster; `lines` are quoted as they are (a log)."""

    source: str
    text: str
    lines: tuple[str, ...] = ()


class Fix(Frozen):
    """Something to look at or to do, with the command for it where there is one."""

    text: str
    command: str = ""


class Waiting(Frozen):
    """A component, or a later phase of the one that blocks, that cannot go on before the blockage is gone."""

    component: str
    wave: int
    phase: Annotated[str, Field(description="prepare, workload or provide.")] = "workload"
    through: Annotated[str, Field(description="The component of the chain that it needs itself.")] = ""
    state: Annotated[str, Field(description="How it is now: not created, not healthy, healthy.")] = ""


class SyncState(Frozen):
    """One Application (root, environment, platform) as Argo CD shows it; `seconds` since its sync began."""

    application: str
    sync: str
    health: str
    revision: str = ""
    phase: str = ""
    syncing: Annotated[str, Field(description="The revision that its last or present sync is about.")] = ""
    attempt: int = 0
    attempts: int = 0
    seconds: int | None = None

    @property
    def stale(self) -> bool:
        """Whether the sync is about another revision than the one that is wanted by now."""
        return bool(self.syncing and self.revision) and self.syncing != self.revision and self.sync != "Synced"

    def __str__(self) -> str:
        parts = [f"{self.sync or 'not compared yet'}", self.health or "health unknown"]
        if self.phase:
            attempt = f", attempt {self.attempt} of {self.attempts}" if self.attempt > 1 else ""
            older = f" of {self.syncing[:8]}" if self.stale else ""
            parts.append(f"sync {self.phase}{older}{attempt}")
        if self.revision:
            parts.append(f"at {self.revision[:8]}")
        return ", ".join(parts)


class Diagnosis(Frozen):
    """Why an environment does not converge; everything in it is free of secrets."""

    verdict: Verdict
    headline: Annotated[str, Field(description="One sentence.")]
    kind: Annotated[str, Field(description="Kind of blockage, see `indigo why --kinds`; empty where none.")] = ""
    object: Ref | None = None
    component: str = ""
    reasons: Annotated[tuple[Reason, ...], Field(description="The nearest cause first.")] = ()
    waiting: Annotated[tuple[Waiting, ...], Field(description="What needs it hard, by wave.")] = ()
    later: Annotated[tuple[Waiting, ...], Field(description="What does not need it, but is in a later wave.")] = ()
    fixes: tuple[Fix, ...] = ()
    others: Annotated[tuple[str, ...], Field(description="Further blockages, a sentence each.")] = ()
    syncs: Annotated[tuple[SyncState, ...], Field(description="The Applications, outermost first.")] = ()
    environment: str = ""
    namespace: str = ""
    taken: Annotated[str, Field(description="When the cluster was looked at (ISO 8601).")] = ""
    gaps: Annotated[tuple[str, ...], Field(description="What could not be read.")] = ()

    _snapshot: Snapshot | None = PrivateAttr(default=None)
    _masker: Masker | None = PrivateAttr(default=None)

    def of(self, snapshot: Snapshot, masker: Masker) -> Diagnosis:
        """Return it with the (masked) snapshot that it was made from, and with what knows the secrets."""
        self._snapshot, self._masker = snapshot, masker
        return self

    def to_text(self, width: int = 80) -> str:
        """Return it as a terminal shows it, without colours; only commands may be longer than `width`."""
        from harness.diagnose.render import to_text

        return to_text(self, width)

    def to_markdown(self) -> str:
        """Return it as Markdown, for a CI summary or an issue."""
        from harness.diagnose.markdown import to_markdown

        return to_markdown(self)

    def to_json(self) -> str:
        """Return it as JSON."""
        return self.model_dump_json(indent=2) + "\n"

    def write_bundle(self, directory: Path, argocd_logs: Path | None = None) -> list[Path]:
        """Write it and what it was made from as files, free of secrets, and return their paths.

        Args:
            directory: is created; files of an earlier bundle in it are replaced.
            argocd_logs: a directory with `*.log` of Argo CD's servers, whose ends are added.

        Raises:
            OSError: the directory cannot be written.
        """
        from harness.diagnose.bundle import write_bundle

        return write_bundle(self, self._snapshot, self._masker, directory, argocd_logs)
