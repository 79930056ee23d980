"""`schemas/*.schema.json`: the pydantic models of our own files, for editors and for people."""

from __future__ import annotations

from pydantic import BaseModel

from harness.diff.model import Difference
from harness.generate.text import to_json
from harness.model.contract import Contract
from harness.model.environment import Environment

DIALECT = "https://json-schema.org/draft/2020-12/schema"  # what pydantic writes


def contract_schema() -> str:
    """Return the JSON Schema of `charts/<component>/contract.yaml`."""
    return _schema(Contract, "Contract of a component (charts/<component>/contract.yaml)")


def environment_schema() -> str:
    """Return the JSON Schema of `argocd/environments/<name>/config.yaml`."""
    return _schema(Environment, "Environment (argocd/environments/<name>/config.yaml)")


def diff_schema() -> str:
    """Return the JSON Schema of what `indigo diff --format json` prints."""
    return _schema(Difference, "Difference of two revisions (indigo diff --format json)", "harness/diff/model.py")


def check_schema() -> str:
    """Return the JSON Schema of what `indigo check --format json` writes."""
    from harness.checks.output.data import CheckData  # the rules themselves look at what is generated

    return _schema(CheckData, "Report of indigo check --format json", "harness/checks/output/data.py")


def drills_schema() -> str:
    """Return the JSON Schema of what `indigo drill run --json` writes."""
    from harness.drills.model import Drills

    return _schema(Drills, "Results of indigo drill run", "harness/drills/model.py")


def _schema(model: type[BaseModel], title: str, source: str = "harness/model") -> str:
    schema = model.model_json_schema(by_alias=True)
    definitions = dict(sorted(schema.pop("$defs", {}).items()))
    return to_json(
        {
            "$schema": DIALECT,
            "$comment": f"Written by `indigo generate` from {source}: do not edit.",
            **schema,
            "title": title,
            "$defs": definitions,
        }
    )
