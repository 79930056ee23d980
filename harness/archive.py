"""Images without a builder: files in, an archive out that `kind load image-archive` and `docker load` read.

Nothing of it depends on a base image, a registry or a running Docker, and the same inputs give the same bytes.
Format: https://github.com/moby/docker-image-spec (v1.2), as `docker save` writes it.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Files = dict[str, "tuple[bytes, int] | str"]
"""Path without a leading slash -> content and mode, or the target of a symbolic link."""
Image = tuple[Sequence[bytes], Mapping[str, Any]]
"""Layers (see `layer`) and the image's configuration: User, Env, Entrypoint, WorkingDir."""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def layer(files: Files, folders: Iterable[str] = ("tmp",)) -> bytes:
    """Return a layer of files; the folders above them are made, and those named; `tmp` is everybody's."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as content:
        inside = [*files, *(f"{folder}/any" for folder in folders)]
        above = {parent.as_posix() for file in inside for parent in Path(file).parents if parent.name}
        for folder in sorted(above):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            content.addfile(entry)
        for file, what in sorted(files.items()):
            if isinstance(what, str):
                entry = tarfile.TarInfo(file)
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, what, 0o777
                content.addfile(entry)
            else:
                _add(content, file, *what)
    return out.getvalue()


def write(path: Path, images: Mapping[str, Image]) -> None:
    """Write an archive of images by name; a layer that several share is there once."""
    with tarfile.open(path, "w") as archive:
        manifest, known = [], set[str]()
        for name, (layers, config) in images.items():
            digests = [hashlib.sha256(content).hexdigest() for content in layers]
            for digest, content in zip(digests, layers, strict=True):
                if digest not in known:
                    _add(archive, f"{digest}.tar", content, 0o644)
                    known.add(digest)
            text = _config(digests, config)
            file = f"{hashlib.sha256(text).hexdigest()}.json"
            if file not in known:
                _add(archive, file, text, 0o644)
                known.add(file)
            manifest.append({"Config": file, "RepoTags": [name], "Layers": [f"{digest}.tar" for digest in digests]})
        _add(archive, "manifest.json", json.dumps(manifest).encode(), 0o644)


def _add(archive: tarfile.TarFile, file: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(file)  # its time is 0: the same content is the same archive
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _config(digests: list[str], config: Mapping[str, Any]) -> bytes:
    content = {
        "architecture": ARCHITECTURES.get(platform.machine(), "amd64"),
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]},
        "history": [{"created_by": "harness/archive.py"} for _ in digests],
        "created": "1970-01-01T00:00:00Z",
    }
    return json.dumps(content, sort_keys=True).encode()
