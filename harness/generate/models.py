"""`schemas/*.schema.json`: the pydantic models of our own files, for editors and for people."""

from __future__ import annotations

from pydantic import BaseModel

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


def _schema(model: type[BaseModel], title: str) -> str:
    schema = model.model_json_schema(by_alias=True)
    definitions = dict(sorted(schema.pop("$defs", {}).items()))
    return to_json(
        {
            "$schema": DIALECT,
            "$comment": "Written by `indigo generate` from harness/model: do not edit.",
            **schema,
            "title": title,
            "$defs": definitions,
        }
    )
