"""Writes what is derived from the contracts; the same contracts give the same bytes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UserError
from harness.generate import (
    alerts,
    availability,
    clients,
    dashboards,
    external,
    identity,
    images,
    immutable,
    index,
    inventory,
    models,
    readme,
    reference,
    rotation,
    rules,
    schema,
    values,
)
from harness.model.graph import Graph
from harness.model.images import SharedImage, load_shared
from harness.model.load import load_contracts


@dataclass(frozen=True)
class Output:
    """One generated file: its path below the checkout, what it must hold, and what it holds now (None: no file)."""

    path: Path
    wanted: str
    found: str | None

    @property
    def stale(self) -> bool:
        """Whether the file has to be written."""
        return self.found != self.wanted


def generate(repository: Path, components: Collection[str] = ()) -> list[Output]:
    """Return every generated file of a checkout, sorted by path; nothing is written.

    Args:
        repository: root of the checkout.
        components: only the files in the folders of these components' charts; all files where it is empty.

    Raises:
        UserError: a contract is wrong, the contracts contradict each other, or a component has none.
    """
    graph = Graph.build(load_contracts(repository / "charts"))
    unknown = sorted(set(components) - set(graph.contracts))
    if unknown:
        raise UserError(
            f"no contract of {', '.join(unknown)}",
            where="charts/*/contract.yaml",
            fix=f"write some of: {', '.join(graph.contracts) or 'none there is'}",
        )
    texts = of_components(graph, components or graph.contracts)
    if not components:
        texts |= shared(graph, load_shared(repository))
    return [Output(path, texts[path], _read(repository / path)) for path in sorted(texts)]


def of_components(graph: Graph, components: Collection[str]) -> dict[Path, str]:
    """Return the files in the folders of these components' charts, by path below the checkout."""
    texts: dict[Path, str] = {}
    for name in components:
        if graph.contracts[name].like:
            continue  # the chart of the component that it is an instance of renders it
        chart = Path("charts") / name
        texts[chart / "values.yaml"] = values.render(graph.contracts[name])
        texts[chart / "values.schema.json"] = schema.render_component(graph.contracts[name])
        texts[chart / "README.md"] = readme.render(graph, name)
    return texts


def shared(graph: Graph, common: Mapping[str, SharedImage]) -> dict[Path, str]:
    """Return the files that are derived from all contracts together, by path below the checkout.

    Args:
        graph: all contracts.
        common: the images that belong to no component.
    """
    return {
        Path("images.yaml"): images.render(graph, common),
        Path("charts/common/templates/_index.tpl"): index.render(graph, common),
        Path("charts/indigo-paas/values.schema.json"): schema.render_umbrella(graph),
        Path("schemas/contract.schema.json"): models.contract_schema(),
        Path("schemas/environment.schema.json"): models.environment_schema(),
        Path("schemas/check.schema.json"): models.check_schema(),
        Path("schemas/drills.schema.json"): models.drills_schema(),
        Path("docs/reference/rules.md"): rules.render(),
        Path("schemas/diff.schema.json"): models.diff_schema(),
        Path("docs/reference/components.md"): inventory.render(graph),
        Path("docs/reference/secrets.md"): reference.secrets(graph),
        Path("docs/reference/rotation.md"): rotation.render(graph),
        Path("docs/reference/graph.md"): reference.graph_page(graph),
        Path("docs/reference/traps.md"): reference.traps(graph),
        Path("docs/reference/clients.md"): clients.render(graph),
        Path("docs/reference/identity.md"): identity.render(graph),
        Path("docs/reference/alerts.md"): alerts.render(graph),
        **{
            dashboards.FOLDER / f"{name}.json": dashboards.tier(graph, name)
            for name in sorted({contract.tier for contract in graph.contracts.values()})
        },
        dashboards.FOLDER / "platform.json": dashboards.platform(),
        Path("docs/reference/availability.md"): availability.render(graph),
        Path("docs/reference/external.md"): external.render(graph),
        Path("docs/reference/immutable.md"): immutable.render(),
    }


def write(repository: Path, outputs: list[Output]) -> list[Output]:
    """Write the stale files among the outputs and return those; a file that is right keeps its time stamp."""
    stale = [output for output in outputs if output.stale]
    for output in stale:
        path = repository / output.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(output.wanted, encoding="utf-8", newline="\n")
    return stale


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8", errors="replace")
    except FileNotFoundError:
        return None
