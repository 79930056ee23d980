"""Images without a builder: one program, one description, an archive that `kind load image-archive` and Docker read.

Nothing of it depends on a base image, a registry or a running Docker, and the same inputs give the same bytes.
Format: https://github.com/moby/docker-image-spec (v1.2), as `docker save` writes it.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping
from pathlib import Path

from harness.doubles.describe import describe
from harness.model.contract import Contract

REGISTRY = "indigo-paas.invalid"  # a name that can never be pulled (RFC 2606)
PROBE = f"{REGISTRY}/doubles/probe:1"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# what charts start images with; all of them are the program
CALLED = ("bin/sh", "bin/bash", "usr/bin/java", "usr/bin/python", "usr/bin/python3", "usr/bin/gunicorn")
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def name(contract: Contract) -> str:
    """Return the image of a component's double; `common.component.image` in charts/common says the same."""
    return f"{REGISTRY}/doubles/{contract.component}:{contract.image.tag}"


def write_archive(path: Path, program: Path, contracts: Mapping[str, Contract]) -> list[str]:
    """Write the archive of the doubles of these components, and of the probe; return the images' names.

    Args:
        path: file to write.
        program: the compiled program of `go/`.
        contracts: of the components that there are to be doubles of.
    """
    layers = {"program": _layer(_program_files(program))}
    images = {PROBE: ["program"]}
    for component, contract in contracts.items():
        description = json.dumps(describe(contract), sort_keys=True).encode()
        layers[component] = _layer({"double.json": (description, 0o444)})
        images[name(contract)] = ["program", component]
    with tarfile.open(path, "w") as archive:
        manifest = []
        for key, content in layers.items():
            _add(archive, f"{key}.tar", content, 0o644)
        for tag, parts in images.items():
            config = _config([layers[part] for part in parts])
            file = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(archive, file, config, 0o644)
            manifest.append({"Config": file, "RepoTags": [tag], "Layers": [f"{part}.tar" for part in parts]})
        _add(archive, "manifest.json", json.dumps(manifest).encode(), 0o644)
    return list(images)


def _program_files(program: Path) -> dict[str, tuple[bytes, int] | str]:
    users = b"root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
    links = dict.fromkeys(CALLED, "/double")
    return {"double": (program.read_bytes(), 0o555), "etc/passwd": (users, 0o444), **links}


def _layer(files: Mapping[str, tuple[bytes, int] | str]) -> bytes:
    """Return a layer: files as (content, mode), links as their target; folders are made for them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as layer:
        folders = {parent.as_posix() for file in files for parent in Path(file).parents if parent.name}
        for folder in sorted({*folders, "tmp"}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            layer.addfile(entry)
        for file, content in sorted(files.items()):
            if isinstance(content, str):
                entry = tarfile.TarInfo(file)
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, content, 0o777
                layer.addfile(entry)
            else:
                _add(layer, file, *content)
    return out.getvalue()


def _add(archive: tarfile.TarFile, file: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(file)  # its time is 0: the same content is the same archive
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _config(layers: list[bytes]) -> bytes:
    content = {
        "architecture": ARCHITECTURES.get(platform.machine(), "amd64"),
        "os": "linux",
        "config": {"Env": [f"PATH={PATH}"], "Entrypoint": ["/double"], "WorkingDir": "/"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
        "history": [{"created_by": "harness/doubles"} for _ in layers],
        "created": "1970-01-01T00:00:00Z",
    }
    return json.dumps(content, sort_keys=True).encode()
