"""Writes a diagnosis and what it was made from as files, for CI: everything in them is masked."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from harness.diagnose.model import Diagnosis
from harness.diagnose.objects import Object
from harness.diagnose.redact import mask_log, redact
from harness.diagnose.snapshot import Snapshot, last_seen, times_seen
from harness.report.masking import Masker

ARGOCD_BYTES = 2_000_000  # of the end of each log of Argo CD


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """YAML without anchors: the same dict twice is written twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def write_bundle(
    diagnosis: Diagnosis, snapshot: Snapshot | None, masker: Masker | None, directory: Path, argocd_logs: Path | None
) -> list[Path]:
    """Write the files and return their paths; see `Diagnosis.write_bundle`."""
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / "diagnosis.json").is_file():  # an earlier bundle: logs of pods that are gone would mislead
        for part in ("pods", "argocd"):
            shutil.rmtree(directory / part, ignore_errors=True)
    files = {"diagnosis.md": diagnosis.to_markdown(), "diagnosis.json": diagnosis.to_json()}
    knows = masker or Masker()
    if snapshot is not None:
        files |= _snapshot_files(snapshot if snapshot.get("masked") else redact(snapshot, knows))
    if argocd_logs is not None:
        files |= {f"argocd/{log.name}": mask_log(_tail(log), knows) for log in sorted(argocd_logs.glob("*.log"))}
    written = []
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _snapshot_files(snapshot: Snapshot) -> dict[str, str]:
    files = {
        "applications.yaml": _yaml([*snapshot.get("applications", []), *snapshot.get("applicationsets", [])]),
        "resources.yaml": _yaml(
            [*snapshot.get("resources", []), *snapshot.get("replicasets", []), *snapshot.get("pods", [])]
        ),
        "events.txt": _events(snapshot.get("events", [])),
    }
    for name, text in snapshot.get("logs", {}).items():
        pod, container, *previous = name.split("/")
        suffix = ".previous.log" if previous else ".log"
        files[f"pods/{_file(pod)}/{_file(container)}{suffix}"] = text if text.endswith("\n") else f"{text}\n"
    return files


def _file(name: str) -> str:
    """Return a name that is one step of a path; Kubernetes' names are, a recorded snapshot may hold anything."""
    return re.sub(r"[^\w.-]", "_", name).lstrip(".") or "_"


def _yaml(items: Iterable[Object]) -> str:
    return yaml.dump_all(items, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100_000, explicit_start=True)


def _events(events: Iterable[Object]) -> str:
    """Return events as lines: time, type, object, reason, count, message."""
    return "".join(f"{_event(event)}\n" for event in sorted(events, key=last_seen))


def _event(event: Object) -> str:
    about: dict[str, Any] = event.get("involvedObject") or {}
    message = " ".join(str(event.get("message", "")).split())
    times = times_seen(event)
    name = f"{about.get('kind', '')}/{about.get('name', '')}"
    return (
        f"{last_seen(event)}  {event.get('type', ''):<7}  {name}  {event.get('reason', '')}"
        + (f" (x{times})" if times > 1 else "")
        + f": {message}"
    )


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - ARGOCD_BYTES))
        return file.read().decode(errors="replace")
