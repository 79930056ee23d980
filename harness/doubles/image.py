"""The images of the doubles: one program, one description each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from harness import archive
from harness.doubles.describe import describe
from harness.model.contract import Contract

REGISTRY = "indigo-paas.invalid"  # a name that can never be pulled (RFC 2606)
PROBE = f"{REGISTRY}/doubles/probe:1"
GATEWAY = f"{REGISTRY}/doubles/gateway:1"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# what charts start images with; all of them are the program
CALLED = (
    "bin/sh",
    "bin/bash",
    "usr/bin/java",
    "usr/bin/python",
    "usr/bin/python3",
    "usr/bin/gunicorn",
    "usr/bin/fastapi",
)
USERS = b"root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
CONFIG = {"Env": [f"PATH={PATH}"], "Entrypoint": ["/double"], "WorkingDir": "/"}


def name(contract: Contract) -> str:
    """Return the image of a component's double; `common.component.image` in charts/common says the same."""
    return f"{REGISTRY}/doubles/{contract.component}:{contract.image.tag}"


def write_archive(
    path: Path, program: Path, contracts: Mapping[str, Contract], tags: Mapping[str, str] | None = None
) -> list[str]:
    """Write the archive of the doubles of these components, of the probe and the gateway; return the images' names.

    Args:
        path: file to write.
        program: the compiled program of `go/`.
        contracts: of the components that there are to be doubles of.
        tags: a further tag of a component's image: a chart that bears no moving tag wants a site's own.
    """
    files: archive.Files = {"double": (program.read_bytes(), 0o555), "etc/passwd": (USERS, 0o444)}
    files.update(dict.fromkeys(CALLED, "/double"))
    base = archive.layer(files)
    gateway = {**CONFIG, "Entrypoint": ["/double", "gateway"]}
    images: dict[str, archive.Image] = {PROBE: ([base], CONFIG), GATEWAY: ([base], gateway)}
    for contract in contracts.values():
        description = json.dumps(describe(contract), sort_keys=True).encode()
        layers = [base, archive.layer({"double.json": (description, 0o444)}, ())]
        images[name(contract)] = (layers, CONFIG)
        if tags and contract.component in tags:
            images[f"{REGISTRY}/doubles/{contract.component}:{tags[contract.component]}"] = (layers, CONFIG)
    archive.write(path, images)
    return list(images)
