"""What a build depends on: the platform, the compiler's environment, its flags; and the key made of all that."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.errors import UserError
from harness.toolchain.catalog import GO, HERE, GoTool, ModuleFiles, Tool, WheelTool, pinned_versions

SCHEMA = "1"  # raise it when the layout of a published tool changes
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
BASELINE = {"amd64": ("GOAMD64", "v1"), "arm64": ("GOARM64", "v8.0")}

# The user's own settings that reach the compiler: where modules come from and whom to trust. Nothing else does, so
# that a GOFLAGS, GOOS or GOEXPERIMENT in somebody's shell changes neither the result nor its key.
KEPT = (
    *("GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOAUTH", "NETRC"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "HOME", "USER", "PATH"),
)
FLAGS = ("-trimpath", "-buildvcs=false", "-pgo=off", "-mod=readonly", "-modcacherw", "-gcflags=all=-dwarf=false")

KUBERNETES = "k8s.io/kubernetes"
LINKED_VERSIONS: tuple[tuple[str, str, str], ...] = (  # module, variable, what it says
    *(
        (KUBERNETES, f"{package}.{name}", text)
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for name, text in (
            ("gitVersion", "v{version}"),
            ("gitMajor", "{major}"),
            ("gitMinor", "{minor}"),
            ("gitTreeState", "archive"),
            ("gitCommit", ""),
            ("buildDate", "1970-01-01T00:00:00Z"),
        )
    ),
    ("helm.sh/helm/v4", "helm.sh/helm/v4/internal/version.version", "v{version}"),
    ("github.com/argoproj/argo-cd/v3", "github.com/argoproj/argo-cd/v3/common.version", "{version}"),
    ("github.com/yannh/kubeconform", "main.version", "v{version}"),
    ("github.com/helm/chart-testing/v3", "github.com/helm/chart-testing/v3/ct/cmd.Version", "v{version}"),
)


def target() -> tuple[str, str]:
    """Return GOOS and GOARCH of this machine.

    Raises:
        UserError: the tools are not built for it.
    """
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform)
    machine = ARCHITECTURES.get(platform.machine().lower())
    if system is None or machine is None:
        raise UserError(
            f"the tools cannot be built on this platform: {sys.platform}/{platform.machine()}",
            fix="use Linux or macOS on x86-64 or arm64 (on Windows: inside WSL)",
        )
    return system, machine


def fixed_settings() -> dict[str, str]:
    """Return the compiler's settings that decide what comes out."""
    system, machine = target()
    name, value = BASELINE[machine]
    return {"GOOS": system, "GOARCH": machine, name: value, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}


def environment(cache: Path, scratch: Path) -> dict[str, str]:
    """Return the whole environment of a run of Go.

    Args:
        cache: the project's cache directory; Go's two caches live there and survive an interrupted build.
        scratch: directory for Go's temporary files.
    """
    chosen = {**_settings_file(os.environ), **os.environ}
    kept = {name: chosen[name] for name in KEPT if chosen.get(name)}
    return {
        **kept,
        **fixed_settings(),
        "GOENV": "off",
        "GOTELEMETRY": "off",
        "GOWORK": "off",
        "GOPATH": str(cache / "go-path"),
        "GOCACHE": str(build_cache(cache)),
        "GOMODCACHE": str(module_cache(cache)),
        "GOTMPDIR": str(scratch),
        "TMPDIR": str(scratch),
        **_heap(),
    }


def build_cache(cache: Path) -> Path:
    """Return where Go keeps compiled packages."""
    return cache / "go-build"


def module_cache(cache: Path) -> Path:
    """Return where Go keeps downloaded modules."""
    return cache / "go-mod"


def _heap() -> dict[str, str]:
    """Let the compiler collect its garbage less often where memory is plenty; the result is the same."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return {}
    return {"GOGC": "400"} if memory > 7 << 30 else {}


def _settings_file(env: Mapping[str, str]) -> dict[str, str]:
    """Return what the user once set by `go env -w`; that file is not read by our Go."""
    named = env.get("GOENV")
    base = Path.home() / "Library/Application Support" if sys.platform == "darwin" else Path.home() / ".config"
    file = Path(named) if named else Path(env.get("XDG_CONFIG_HOME") or base) / "go" / "env"
    try:
        lines = file.read_text().splitlines()
    except OSError:  # "off" too
        return {}
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def link_flags(tool: GoTool) -> str:
    """Return the linker's flags: no symbol table, and the versions that the programs are to report."""
    versions = pinned_versions(HERE / tool.module / "go.mod")
    parts = ["-s", "-w"]
    for module, variable, text in LINKED_VERSIONS:
        if version := versions.get(module, "").removeprefix("v"):
            major, minor = version.split(".")[:2]
            parts += ["-X", f"{variable}={text.format(version=version, major=major, minor=minor)}"]
    return " ".join(parts)


def build_flags(tool: GoTool) -> list[str]:
    """Return the flags of `go build` (and of a `go list` that is to see the same packages)."""
    tags = [f"-tags={','.join(tool.tags)}"] if tool.tags else []
    return [*FLAGS, *tags, f"-ldflags={link_flags(tool)}"]


def key(tool: Tool) -> str:
    """Return 16 hexadecimal digits that change when anything changes that decides what the tool is.

    Raises:
        UserError: an unsupported platform, or a pinned file is not there.
    """
    digest = hashlib.sha256()
    for part in _ingredients(tool):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()[:16]


def _ingredients(tool: Tool) -> Iterator[bytes]:
    yield SCHEMA.encode()
    yield f"{tool.name} {tool.version} {' '.join(tool.links)}".encode()
    if isinstance(tool, GoTool):
        yield "\0".join((tool.package, *tool.files, *build_flags(tool))).encode()
        yield "\0".join(f"{name}={value}" for name, value in sorted(fixed_settings().items())).encode()
        yield from _contents((*GO.inputs, *tool.inputs))
    elif isinstance(tool, ModuleFiles):
        yield "\0".join(tool.files).encode()
        yield from _contents(tool.inputs)
    elif isinstance(tool, WheelTool):
        yield "\0".join((*target(), tool.member)).encode()
        yield from _contents(tool.inputs)


def _contents(paths: tuple[Path, ...]) -> Iterator[bytes]:
    for path in paths:
        try:
            files = sorted(path.rglob("*.go")) if path.is_dir() else [path]
            for file in files:
                yield file.name.encode()
                yield file.read_bytes()
        except OSError as error:
            raise UserError(f"cannot read {path.name}: {error.strerror}", where=str(path)) from error
