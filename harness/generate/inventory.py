"""`docs/reference/components.md`: what is deployed, how completely it is described, where it stores, what it needs."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from harness.generate.reference import NOTE, link
from harness.generate.schema import settable
from harness.generate.text import cell, page, table
from harness.model.contract import Contract, Need
from harness.model.graph import Graph

HEADER = (
    "component", "what", "version", "tier", "settings", "left alone", "traps", "replicas", "stores", "needs hard",
    "needs soft",
)  # fmt: skip


@dataclass(frozen=True)
class Covered:
    """How many settings of the software a contract has, by what becomes of them."""

    open: int  # set by the wiring or by the site
    kept: int  # from Secrets, or made by the chart: not the site's
    left: int  # left alone, with the reason
    ignored: int  # names that are not read

    @property
    def all(self) -> int:
        """Return the number of settings that the software reads."""
        return self.open + self.kept + self.left


def covered(contract: Contract) -> Covered:
    """Return the numbers of one contract."""
    used = {name: setting for name, setting in contract.settings.items() if not setting.unset}
    own = sum(1 for name, setting in used.items() if settable(name, setting))
    return Covered(own, len(used) - own, len(contract.settings) - len(used), len(contract.ignored))


def render(graph: Graph) -> str:
    """Return the page; an instance has a row of its own, its contract is counted once."""
    charts = [item for name, item in graph.contracts.items() if item.chart == name]
    numbers = [covered(item) for item in charts]
    total = Covered(*(sum(column) for column in zip(*map(astuple, numbers), strict=True)))
    traps = sum(len(item.traps) for item in charts)
    about = [
        f"- components: {len(charts)}",
        f"- settings that their software reads: {total.all}",
        f"- of these, set here or open to the site: {total.open}",
        f"- from Secrets, or made by the chart: {total.kept}",
        f"- left alone, each with the reason: {total.left}",
        f"- further names in upstream's documents or other versions, which are not read: {total.ignored}",
        f"- known traps, each with a test of its name: {traps}",
        "",
    ]
    return page(["# Components", "", NOTE, ""], about, table(HEADER, [_row(graph, name) for name in graph.contracts]))


def _row(graph: Graph, name: str) -> tuple[str, ...]:
    item = graph.contracts[name]
    one = covered(item)
    again = item.chart != name
    most = "any" if item.replicas.max is None else f"at most {item.replicas.max}"
    return (
        link(graph, name),
        cell(item.title),
        cell(item.upstream.version),
        item.tier,
        "the same" if again else f"{one.open} + {one.kept} not the site's",
        "the same" if again else f"{one.left}" + (f", {one.ignored} not read" if one.ignored else ""),
        "the same" if again else str(len(item.traps)),
        f"{item.replicas.default} ({most})",
        cell(_stores(item)) or "-",
        _needs(graph, name, Need.HARD),
        _needs(graph, name, Need.SOFT),
    )


def _stores(item: Contract) -> str:
    return ", ".join([
        *(f"volume {volume.name} {volume.size}" for volume in item.writable if volume.keep),
        *(f"database {name} on {item.databases[name].server}" for name in sorted(item.databases)),
        *(f"topic {name}" for name in sorted(item.topics)),
        *(f"bucket {name} on {item.buckets[name].server}" for name in sorted(item.buckets)),
    ])  # fmt: skip


def _needs(graph: Graph, name: str, need: Need) -> str:
    edges = [edge for edge in graph.requirements(name) if edge.need is need]
    return ", ".join(f"{edge.provider}:{edge.port}" for edge in edges) or "-"
