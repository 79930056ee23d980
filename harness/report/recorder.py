"""Collects a run while it happens, and keeps a readable report on disk so that a killed run leaves one too."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from harness.report import machine
from harness.report.masking import Masker
from harness.report.model import (
    NOT_SELECTED,
    Artefact,
    Assertion,
    DrillLine,
    Engine,
    Graph,
    Item,
    Outcome,
    Phase,
    Report,
    Revision,
    State,
    Sync,
    Tier,
    tier_results,
    verdict,
)
from harness.report.writer import Writer, write


class Listener(Protocol):
    """Who wants to hear of a run while it happens (`harness.report.progress.Progress`)."""

    def phase_begins(self, phase: Phase) -> None:
        """A phase starts."""

    def phase_ends(self, phase: Phase) -> None:
        """A phase ended; `failed` says how."""

    def sync_changes(self, sync: Sync) -> None:
        """A sync started, one of its objects changed, or it ended."""


class SyncRecorder:
    """What the watcher of a sync tells; made by `Recorder.sync`."""

    def __init__(self, recorder: Recorder, position: int) -> None:
        self._recorder = recorder
        self._position = position

    def item(
        self,
        component: str,
        kind: str,
        name: str,
        *,
        wave: int,
        state: State,
        waits_for: Sequence[str] = (),
        created: float | None = None,
        ready: float | None = None,
    ) -> None:
        """Tell where an object stands.

        Args:
            component: component that it belongs to.
            kind: its Kubernetes kind.
            name: its name.
            wave: its sync wave.
            state: where it stands now; leaving `waiting` stamps `created`, `healthy` stamps `ready`.
            waits_for: what it waits for, in words.
            created: seconds from the start of the run (`Recorder.offset`), where better known than "now".
            ready: likewise.
        """
        self._recorder._item(
            self._position,
            Item(
                component=component,
                kind=kind,
                name=name,
                wave=wave,
                state=state,
                waits_for=tuple(waits_for),
                created=created,
                ready=ready,
            ),
        )


class Recorder:
    """A report in the making. Every method may be called from any thread.

    Args:
        directory: where report.json, report.html and junit.xml go; None keeps everything in memory.
        command: what the user typed.
        engine: what it runs on; `engine_is` changes it later.
        run_id: name of the run; by default made of the time.
        root: the checkout, for the revision and for short paths.
        masker: knows the secrets of the run; `recorder.masker.add(value)` teaches it another one.
        listeners: hear of phases and syncs.
        monotonic: clock, in seconds.
    """

    def __init__(
        self,
        directory: Path | None,
        *,
        command: str,
        engine: Engine | None = None,
        run_id: str | None = None,
        root: Path | None = None,
        masker: Masker | None = None,
        listeners: Sequence[Listener] = (),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.masker = masker or Masker()
        self.directory = directory
        self.started = datetime.now(UTC)
        self._monotonic = monotonic
        self._zero = monotonic()
        self._id = run_id or f"{self.started:%Y%m%d-%H%M%S}-{os.getpid()}"
        self._command = command
        self._engine = engine or Engine(name="none", tier=Tier.STATIC)
        self._machine = machine.machine()
        self._revision = machine.revision(root) if root else Revision()
        self._listeners = list(listeners)
        self._lock = threading.RLock()
        self._phases: list[Phase] = []
        self._stack = threading.local()
        self._assertions: dict[str, Assertion] = {}
        self._syncs: list[Sync] = []
        self._reasons: dict[Tier, str] = {}
        self._versions: dict[str, str] = {}
        self._graph = Graph()
        self._simulated: list[str] = []
        self._drills: list[DrillLine] = []
        self._notes: list[str] = []
        self._artefacts: list[Artefact] = []
        self._complete = False
        self._exit_status: int | None = None
        self._writer = Writer(self.snapshot, directory) if directory else None
        if root:
            self.masker.shorten(root.resolve(), ".")
        self.masker.shorten(Path.home(), "~")
        self._changed()

    def now(self) -> float:
        """Return seconds since the start of the run."""
        return round(self._monotonic() - self._zero, 3)

    def offset(self, moment: datetime) -> float:
        """Return a wall-clock time (with its zone) as seconds from the start of the run, at least 0."""
        return max(0.0, round((moment - self.started) / timedelta(seconds=1), 3))

    def listen(self, listener: Listener) -> None:
        """Let another listener hear of what comes."""
        self._listeners = [*self._listeners, listener]

    @contextlib.contextmanager
    def phase(self, name: str, budget: float | None = None) -> Iterator[str]:
        """Measure a stretch of the run; inside another phase of the same thread it is a part of that one.

        Args:
            name: shown in the report; a name that was used before gets a number.
            budget: seconds it may take; more is shown as over budget and fails nothing by itself.

        Yields:
            The name under which it is recorded.
        """
        parents: list[str] = self._stack.__dict__.setdefault("names", [])
        with self._lock:
            unique = self._unused(name)
            position = len(self._phases)
            parent = parents[-1] if parents else None
            begun = Phase(name=unique, start=self.now(), budget=budget, parent=parent)
            self._phases.append(begun)
        self._changed()
        for listener in self._listeners:
            listener.phase_begins(self.masker.model(begun))
        parents.append(unique)
        failed = True
        try:
            yield unique
            failed = False
        finally:
            parents.pop()
            with self._lock:
                seconds = round(max(0.0, self.now() - begun.start), 3)
                ended = begun.model_copy(update={"seconds": seconds, "failed": failed})
                self._phases[position] = ended
            self._changed()
            for listener in self._listeners:
                listener.phase_ends(self.masker.model(ended))

    @contextlib.contextmanager
    def sync(self, name: str) -> Iterator[SyncRecorder]:
        """Follow one sync; an exception inside marks it as failed."""
        with self._lock:
            position = len(self._syncs)
            self._syncs.append(Sync(name=name, started=self.now()))
        self._sync_changed(position)
        failed = True
        try:
            yield SyncRecorder(self, position)
            failed = False
        finally:
            with self._lock:
                done = {"finished": self.now(), "failed": failed}
                self._syncs[position] = self._syncs[position].model_copy(update=done)
            self._sync_changed(position)

    def _item(self, position: int, item: Item) -> None:
        with self._lock:
            sync = self._syncs[position]
            known = {old.key: old for old in sync.items}
            old = known.get(item.key)
            created, ready = item.created, item.ready
            if created is None and item.state is not State.WAITING:
                created = old.created if old and old.created is not None else self.now()
            if ready is None and item.state is State.HEALTHY:
                ready = old.ready if old and old.ready is not None else self.now()
            new = item.model_copy(update={"created": created, "ready": ready})
            if new == old:
                return
            known[item.key] = new
            self._syncs[position] = sync.model_copy(update={"items": tuple(known.values())})
        self._sync_changed(position)

    def _sync_changed(self, position: int) -> None:
        self._changed()
        sync = self.masker.model(self._syncs[position])
        for listener in self._listeners:
            listener.sync_changes(sync)

    def plan(self, assertions: Sequence[Assertion], why: str = "the run ended before it") -> None:
        """Name assertions that were selected; they count as skipped until `assertion` brings their outcome."""
        unrun = {"outcome": Outcome.SKIPPED, "ran": False, "message": why}
        with self._lock:
            for assertion in assertions:
                self._assertions[assertion.id] = assertion.model_copy(update=unrun)
        self._changed()

    def assertion(self, assertion: Assertion) -> None:
        """Record the outcome of an assertion; the latest of one id stands."""
        with self._lock:
            self._assertions[assertion.id] = assertion
        self._changed()

    def tier_skipped(self, tier: Tier, reason: str) -> None:
        """Say why a tier did not run; shown where none of its assertions ran."""
        with self._lock:
            self._reasons[tier] = reason
        self._changed()

    def engine_is(self, engine: Engine) -> None:
        """Say what the run is deployed on."""
        with self._lock:
            self._engine = engine
        self._changed()

    def graph_is(self, graph: Graph) -> None:
        """Give the dependency graph."""
        with self._lock:
            self._graph = graph
        self._changed()

    def version(self, tool: str, version: str) -> None:
        """Say which version of a tool was used."""
        with self._lock:
            self._versions[tool] = version
        self._changed()

    def simulated(self, what: str) -> None:
        """Say what is not real in this run, as a sentence."""
        with self._lock:
            if what not in self._simulated:
                self._simulated.append(what)
        self._changed()

    def drill(self, line: DrillLine) -> None:
        """Add a drill."""
        with self._lock:
            self._drills.append(line)
        self._changed()

    def note(self, text: str) -> None:
        """Add a remark for whoever reads the report."""
        with self._lock:
            self._notes.append(text)
        self._changed()

    def artefact(self, title: str, path: Path) -> None:
        """Name a file or directory the run left; a path on this machine is shown relative to the report."""
        base = self.directory.resolve() if self.directory else Path.cwd()
        shown = os.path.relpath(path.resolve(), base) if path.is_absolute() else str(path)
        with self._lock:
            self._artefacts.append(Artefact(title=title, path=shown))
        self._changed()

    def merge(self, other: Report) -> None:
        """Take over what another process recorded of the same run: an outcome wins over a test that did not run.

        Its times, which count from its own start, count from this run's.
        """
        shift = self.offset(other.started)
        skipped = {tier.name: tier.reason for tier in other.tiers if tier.reason and not tier.counts.total}
        with self._lock:
            for assertion in other.assertions:
                known = self._assertions.get(assertion.id)
                if known is None or assertion.ran or not known.ran:
                    self._assertions[assertion.id] = assertion
            for tier, reason in skipped.items():
                if reason != NOT_SELECTED:
                    self._reasons.setdefault(tier, reason)
            names: dict[str | None, str | None] = {None: None}
            for phase in other.phases:
                names[phase.name] = self._unused(phase.name)
                moved = {"name": names[phase.name], "parent": names[phase.parent], "start": phase.start + shift}
                self._phases.append(phase.model_copy(update=moved))
            self._syncs += [sync.later(shift) for sync in other.syncs]
            self._versions |= other.versions
            self._simulated += [text for text in other.simulated if text not in self._simulated]
            self._drills += other.drills
            self._notes += other.notes
            self._artefacts += other.artefacts
        self._changed()

    def _unused(self, name: str) -> str:
        taken = {phase.name for phase in self._phases}
        return next(n for n in (name, *(f"{name} ({i})" for i in range(2, len(taken) + 3))) if n not in taken)

    def snapshot(self) -> Report:
        """Return the report as it stands, secrets masked; incomplete until `finish`."""
        with self._lock:
            assertions = tuple(self._assertions.values())
            tiers = tier_results(assertions, self._reasons)
            report = Report(
                id=self._id,
                verdict=verdict(tiers, complete=self._complete, exit_status=self._exit_status),
                complete=self._complete,
                exit_status=self._exit_status,
                started=self.started,
                seconds=self.now(),
                command=self._command,
                revision=self._revision,
                engine=self._engine,
                simulated=tuple(self._simulated),
                machine=self._machine,
                versions=dict(sorted(self._versions.items())),
                tiers=tiers,
                phases=tuple(self._phases),
                assertions=assertions,
                syncs=tuple(self._syncs),
                graph=self._graph,
                drills=tuple(self._drills),
                notes=tuple(self._notes),
                artefacts=tuple(self._artefacts),
            )
        return self.masker.model(report)

    def _changed(self) -> None:
        if self._writer:
            self._writer.soon()

    def finish(self, exit_status: int, *, complete: bool = True) -> Report:
        """Close the report, write its three files and return it.

        Args:
            exit_status: of the test run.
            complete: false where it was interrupted; such a report is never shown as passed.
        """
        with self._lock:
            self._exit_status = exit_status
            self._complete = complete
        if self._writer:
            self._writer.stop()
        report = self.snapshot()
        if self.directory is not None:
            write(report, self.directory)
        return report
