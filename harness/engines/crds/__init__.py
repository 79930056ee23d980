"""Kinds that are not Kubernetes' own: their definitions, for the engines to create and for the checks to read.

A *family* is an API group of another project. Upstream's definitions come from its pinned Go module (`indigo tools
list`); where upstream publishes none in a package registry, the family is *open*: its kinds exist and take any spec
and status. README.md beside this file says what each family's definitions can refuse.
"""

from harness.engines.crds.families import (
    FAMILIES,
    Family,
    definitions,
    deprecated,
    families_of,
    family,
    stages,
    strict_schema,
)
from harness.engines.crds.light import lighten, prepared

__all__ = [
    "FAMILIES",
    "Family",
    "definitions",
    "deprecated",
    "families_of",
    "family",
    "lighten",
    "prepared",
    "stages",
    "strict_schema",
]
