"""`images.yaml`: every container image that the charts can run, for people, mirrors and scanners."""

from __future__ import annotations

from collections.abc import Mapping

from harness.generate.text import comment, to_yaml
from harness.model.graph import Graph
from harness.model.images import SHARED, SharedImage, catalogue


def render(graph: Graph, shared: Mapping[str, SharedImage]) -> str:
    """Return the text of the file; images in the order of their names."""
    listed = catalogue(graph, shared)
    pinned = sum(1 for image in listed if image.reference.digest)
    header = [
        *comment(
            "Every container image that the charts can run",
            f"Written by `indigo generate` from image of charts/*/contract.yaml and {SHARED}: change those, not this",
        ),
        *comment(
            f"{pinned} of {len(listed)} are pinned by digest",
            "A digest is `unknown` where no registry was asked for it: none is made up",
            "`indigo images mirror` copies all of them to a registry of your own and tells the digests found there",
        ),
    ]
    return "\n".join([*header, *to_yaml({"images": [image.to_json() for image in listed]})]) + "\n"
