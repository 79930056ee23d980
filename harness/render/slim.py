"""The umbrella with some of its subcharts alone: what one component renders, in a fraction of the time.

What a subchart renders follows from its own files, the library, the umbrella's values and the values files, and from
nothing of another subchart (Helm documentation, Subcharts and Global Values).
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

import yaml

from harness.model.contract import Contract
from harness.model.environment import UMBRELLA
from harness.model.load import read_yaml


def slim(root: Path, charts: Collection[str], folder: Path) -> Path:
    """Write the umbrella with these subcharts and the library as its only ones, and return it.

    It has no schema: values that are new have to be held against the whole umbrella's.

    Args:
        root: the checkout.
        charts: folders below charts/.
        folder: for what is written; whoever gives it removes it.
    """
    made = folder / "_".join(sorted(charts)) / UMBRELLA.name
    if made.parent.exists():
        shutil.rmtree(made.parent)
    (made / "charts").mkdir(parents=True)
    whole = root / UMBRELLA
    chart = read_yaml(whole / "Chart.yaml", str(UMBRELLA / "Chart.yaml"))
    chart["dependencies"] = [entry for entry in chart["dependencies"] if entry["name"] in {*charts, "common"}]
    (made / "Chart.yaml").write_text(yaml.safe_dump(chart), encoding="utf-8")
    (made / "values.yaml").symlink_to(whole / "values.yaml")
    for name in (*charts, "common"):
        (made / "charts" / name).symlink_to(root / "charts" / name)
    return made


def instances(contracts: Mapping[str, Contract], charts: Collection[str]) -> set[str]:
    """Return the subcharts (a component and its instances) that some charts are."""
    return {name for name, contract in contracts.items() if contract.chart in charts}


def subchart(source: str) -> str:
    """Return the subchart of the umbrella that Helm names as the source of an object; empty for the umbrella itself."""
    parts = source.split("/")
    return parts[2] if len(parts) > 3 and parts[1] == "charts" else ""
