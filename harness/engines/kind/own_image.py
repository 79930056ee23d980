"""Argo CD's image where upstream's cannot be pulled: the toolchain's own binaries, and this machine's git.

It carries upstream's name in the nodes, never in this machine's Docker, so that the manifests stay as they are. It
serves the roles that a headless Argo CD has: repository server and controllers; no API server, no CLI.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from harness import archive, toolchain
from harness.archive import Files
from harness.errors import UserError
from harness.process import run

USER = "999"
"""Upstream's (Argo CD 3.6.1, Dockerfile: groupadd -g 999 argocd)."""
ROLES = (
    "argocd-repo-server",
    "argocd-application-controller",
    "argocd-applicationset-controller",
    "argocd-git-ask-pass",
)
PROGRAMS = ("git", "sh", "cp", "ln", "cat", "mkdir")
USERS = b"root:x:0:0:root:/:/bin/sh\nargocd:x:999:999:argocd:/tmp:/bin/sh\n"
# upstream's `argocd admin redis-initial-password` makes a Secret, which exists already (inside.install)
CLI = b'#!/bin/sh\n[ "$1 $2" = "admin redis-initial-password" ] && exit 0\nexec /usr/local/bin/argocd-headless "$@"\n'
FOLDERS = (
    "app/config/ssh",
    "app/config/tls",
    "app/config/gpg",
    "helm-working-dir",
    "usr/share/git-core/templates",
    "tmp",
)


def write(path: Path, argocd: str, cache: str) -> None:
    """Write an archive with the two images.

    Args:
        path: file to write.
        argocd: name of Argo CD's image.
        cache: name of its cache's image.

    Raises:
        UserError: a program is not on this machine, or is not Linux'.
    """
    tools = toolchain.ensure("argocd", "helm", "valkey-server")
    wrapper = toolchain.argocd_module_dir() / "hack" / "git-verify-wrapper.sh"
    files: Files = {
        "etc/passwd": (USERS, 0o444),
        "etc/nsswitch.conf": (b"hosts: files dns\n", 0o444),
        "usr/local/bin/argocd": (CLI, 0o555),
        "usr/local/bin/argocd-headless": (tools["argocd"].read_bytes(), 0o555),
        "usr/local/bin/helm": (tools["helm"].read_bytes(), 0o555),
        "usr/local/bin/git-verify-wrapper.sh": (wrapper.read_bytes(), 0o555),
    }
    for role in ROLES:
        files[f"usr/local/bin/{role}"] = "/usr/local/bin/argocd-headless"
    for name in PROGRAMS:
        found = shutil.which(name)
        if found is None:
            message = f"{name} is not on the PATH; Argo CD's image cannot be made without it"
            raise UserError(message, fix=f"install {name}")
        _with_libraries(files, Path(found), f"bin/{name}")
    _git_core(files)
    server: Files = {"etc/passwd": (USERS, 0o444)}
    _with_libraries(server, tools["valkey-server"].resolve(), "usr/local/bin/valkey-server")
    environment = ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/tmp", "USER=argocd"]
    own = {"User": USER, "Env": environment, "WorkingDir": "/tmp"}
    beside = {"User": USER, "Env": environment, "Entrypoint": ["/usr/local/bin/valkey-server"]}
    archive.write(path, {argocd: ([archive.layer(files, FOLDERS)], own), cache: ([archive.layer(server)], beside)})


def _git_core(files: Files) -> None:
    """Add git's own commands; most are links to git itself."""
    folder = Path(run("git", "--exec-path").stdout.strip())
    for path in sorted(folder.iterdir()):
        target = f"{folder.as_posix().lstrip('/')}/{path.name}"
        if path.is_symlink() or path.resolve().name == "git" or _same(path, folder / "git"):
            files[target] = "/bin/git"
        elif path.name in ("git-remote-http", "git-sh-setup", "git-submodule"):
            _with_libraries(files, path, target)
    files[f"{folder.as_posix().lstrip('/')}/git-remote-https"] = f"{folder}/git-remote-http"


def _same(one: Path, other: Path) -> bool:
    return other.exists() and one.samefile(other)


def _with_libraries(files: Files, program: Path, target: str) -> None:
    """Add a program and every shared library that it loads, under the libraries' own paths."""
    files[target] = (program.read_bytes(), 0o555)
    listed = run("ldd", program, check=False).stdout
    for library in re.findall(r"(/\S+) \(0x", listed):
        files[library.lstrip("/")] = (Path(library).read_bytes(), 0o555)
