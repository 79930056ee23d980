"""`values.schema.json` of the components and of the umbrella: closed, in the dialect that Helm checks (draft 7).

A schema speaks of shapes and types only. What depends on the contract or on other components is refused by the charts
themselves (`charts/common/templates/_validate.tpl`), with the fix in the message.
"""

from __future__ import annotations

from typing import Any

from jsonschema import Draft7Validator
from jsonschema.exceptions import SchemaError

from harness.errors import UserError
from harness.generate import exposure
from harness.generate.shapes import Schema
from harness.generate.shapes import closed as _object
from harness.generate.shapes import string as _string
from harness.generate.text import sentence, to_json
from harness.generate.values import defaults
from harness.model.contract import ROLES, SETTING_PATTERNS, TIERS, Contract, Setting, Type
from harness.model.environment import Mode, modes_of
from harness.model.graph import Graph

DIALECT = "http://json-schema.org/draft-07/schema#"
COMMENT = "Written by `indigo generate` from the contracts: do not edit."

CPU = r"^[0-9]+(\.[0-9]+)?m?$"
MEMORY = r"^[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$"
PUBLIC_URL = r"^(https?://[^ ]*[^/ ])?$"  # empty: the charts ask for it by name where they need it
CIDR = r"^[0-9a-fA-F.:]+/[0-9]+$"
AUDIENCES = ("dashboard", "orchestrator")  # who logs in at the vault with tokens: charts/openbao, its roles
HOST = r"^[^:/\s]*$"

# Helm adds the values of the library chart, which has none of its own, to those of every chart that depends on it
LIBRARY: Schema = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"global": {"type": "object"}},
}


def render_component(contract: Contract) -> str:
    """Return the text of `charts/<component>/values.schema.json`.

    Raises:
        UserError: an option has no valid schema, a default that breaks it, or the name of another value.
    """
    title = f"Values of the chart {contract.component}"
    return to_json({"$schema": DIALECT, "$comment": COMMENT, "title": title, **component(contract)})


def render_umbrella(graph: Graph) -> str:
    """Return the text of `charts/indigo-paas/values.schema.json`.

    Raises:
        UserError: as `render_component`.
    """
    body = _object(
        {
            "global": _global(graph),
            "common": LIBRARY,
            **{name: {"title": item.title, **component(item)} for name, item in graph.contracts.items()},
        }
    )
    return to_json({"$schema": DIALECT, "$comment": COMMENT, "title": "Values of the chart indigo-paas", **body})


def component(contract: Contract) -> Schema:
    """Return the schema of a component's values.

    Raises:
        UserError: as `render_component`.
    """
    kept = [volume for volume in contract.writable if volume.keep]
    cron: Schema = {
        "schedule": _string("When it runs, as cron writes it.", r"^(@[a-z]+|\S+( \S+){4})$"),
        "suspend": {"type": "boolean", "description": "true lets no further run begin."},
    }
    properties: Schema = {
        **(cron if contract.workload.kind == "CronJob" else {"replicas": _replicas(contract)}),
        "image": _object(
            {
                "repository": _string("Name of the image; empty for the contract's.", r"^[^\s@]*$"),
                "tag": _string("Version; empty for the contract's.", r"^([\w][\w.-]*)?$"),
                "digest": _string("sha256:... or empty.", r"^(sha256:[0-9a-f]{64})?$"),
            }
        ),
        "resources": _object({"requests": _quantities(), "limits": _quantities()}),
        "settings": _object(
            {name: setting(item) for name, item in sorted(contract.settings.items()) if settable(name, item)}
        ),
    }
    if kept:
        properties["volumes"] = _object({volume.name: _volume(sentence(volume.purpose)) for volume in kept})
    properties["podAnnotations"] = _annotations()
    if contract.jobs:
        properties["jobs"] = _object(
            {
                name: {"description": sentence(job.purpose), **_object({"podAnnotations": _annotations()})}
                for name, job in sorted(contract.jobs.items())
            }
        )
    properties["scheduling"] = _object(
        {
            "nodeSelector": {"type": "object", "additionalProperties": {"type": "string"}},
            "tolerations": {"type": "array", "items": {"type": "object"}},
            "affinity": {"type": "object"},
            "priorityClassName": {"type": "string"},
        }
    )
    properties["extraEgress"] = {
        "type": "array",
        "description": "Further addresses that the pods may reach.",
        "items": {
            **_object(
                {
                    "cidrs": {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": CIDR}},
                    "ports": {
                        "type": "array",
                        "minItems": 1,
                        "items": {"type": "integer", "minimum": 1, "maximum": 65535},
                    },
                }
            ),
            "required": ["cidrs", "ports"],
        },
    }
    if contract.exposed:
        properties["route"] = exposure.routes()
    if contract.operator:
        most = contract.operator.replicas.max
        number: Schema = {"type": "integer", "minimum": 1, "description": sentence(contract.operator.replicas.why)}
        properties["operator"] = _object({"replicas": number | ({"maximum": most} if most else {})})
    properties |= _options(contract, {*properties, "operator", "route", "volumes", "jobs", "global", "common"})
    properties["global"] = {"type": "object"}
    properties["common"] = LIBRARY
    return _object(properties)


def settable(name: str, item: Setting) -> bool:
    """Return whether a site may write a setting under `settings`."""
    return not item.secret and not item.placeholder and "*" not in name


def setting(item: Setting) -> Schema:
    """Return the schema of one setting's value: what YAML makes of it, written with or without quotes."""
    schema: Schema = {"description": sentence(item.meaning)}
    pattern = SETTING_PATTERNS.get(item.type)
    if item.allowed or item.type is Type.BOOLEAN:
        schema["enum"] = _choices(item.allowed or ("true", "false", "True", "False"))
    elif item.type in (Type.INTEGER, Type.NUMBER):
        schema |= {"type": [item.type.value, "string"], "pattern": pattern}
    elif item.type is Type.DURATION:
        schema["type"] = ["integer", "string"]
    elif item.type is Type.YES_NO:
        schema |= {"type": "string", "pattern": pattern}
        schema["description"] += " In quotes: YAML reads yes and no as booleans."
    else:
        schema["type"] = "string"
        if pattern:
            schema["pattern"] = f"^$|{pattern}"
    return schema


def _choices(allowed: tuple[str, ...]) -> list[Any]:
    """Return the allowed texts, and what YAML makes of them without quotes."""
    choices: list[Any] = list(allowed)
    choices += [value for value in (True, False) if str(value).lower() in allowed]
    choices += [int(text) for text in allowed if text.isdecimal() and str(int(text)) == text]
    return choices


def _options(contract: Contract, taken: set[str]) -> Schema:
    schemas: Schema = {}
    for name, option in contract.options.items():
        where = f"{contract.file} options.{name}"
        if name in taken:
            raise UserError(f"{name} is a value of every chart", where=where, fix="give the option another name")
        schema = _closed(option.schema_)
        try:
            Draft7Validator.check_schema(schema)
        except SchemaError as error:
            raise UserError(
                f"not a JSON Schema: {error.message}", where=f"{where}.schema", fix="write one of draft 7"
            ) from None
        wrong = next(iter(Draft7Validator(schema).iter_errors(defaults(contract)[name])), None)
        if wrong:
            raise UserError(
                f"the default breaks the option's own schema: {wrong.message}",
                where=f"{where}.default",
                fix="write a default that the schema allows",
            )
        schemas[name] = {**schema, "description": sentence(option.meaning)}
    return schemas


def _closed(schema: Any) -> Any:
    """Return a schema in which every object that lists its properties has no others, unless it says so itself."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _global(graph: Graph) -> Schema:
    found_by_url = {
        name: _string("Public URL, or that of one that runs elsewhere; no trailing slash.", PUBLIC_URL)
        for name, contract in graph.contracts.items()
        if (contract.external and contract.external.url)
        or any(port.service and port.protocol in ("http", "https") for port in contract.ports.values())
    }
    secrets = {
        identifier: {"type": "string", "minLength": 0, "description": sentence(secret.purpose)}
        for identifier, (_, secret) in graph.secrets().items()
    }
    return _object(
        {
            "environment": {"type": "string", "pattern": r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "maxLength": 63},
            "slice": {"enum": ["", *TIERS], "description": "The tier that is rendered; empty for all."},
            "routes": exposure.routes(),
            "monitoring": exposure.monitoring(graph),
            "components": _object({name: _place(contract) for name, contract in graph.contracts.items()}),
            "urls": _object(found_by_url),
            "trustedCa": _object(
                {
                    "configMap": _string("ConfigMap with the site's certificate authorities; empty: none.", r"^\S*$"),
                    "bundle": _string("Its key with all authorities, the usual ones included.", r"^\S+$"),
                    "own": _string("Its key with the site's own authorities alone.", r"^\S+$"),
                }
            ),
            "issuers": {
                "type": "array",
                "description": "Issuers besides the platform's IAM whose tokens are believed.",
                "items": {
                    **_object(
                        {
                            "issuer": _string("The iss of its tokens, letter by letter.", r"^https://[^\s,]+$"),
                            "claim": _string("Claim of its users that holds their groups.", r"^\S+$"),
                        }
                    ),
                    "required": ["issuer"],
                },
            },
            "groups": _object(
                {role: {"type": "array", "uniqueItems": True, "items": _string("Group.", r"^\S+$")} for role in ROLES}
            ),
            "audiences": _object(
                {
                    name: {"type": "string", "minLength": 1, "description": "Audience of its tokens for the vault."}
                    for name in AUDIENCES
                    if name in graph.contracts
                }
            ),
            "secrets": _object(secrets),
            "secretRevisions": _object(
                {
                    identifier: {"type": "string", "pattern": r"^\S+$", "description": "A new text rolls its readers."}
                    for identifier in secrets
                }
            ),
            "images": _object(
                {
                    "source": {"enum": ["upstream", "doubles"]},
                    "registry": _string("Registry, with a path where it has one; no scheme.", r"^[^\s]*[^\s/]$|^$"),
                    "pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
                    "pullSecrets": {"type": "array", "items": {"type": "string", "minLength": 1}},
                }
            ),
            "storage": _object({"className": {"type": "string"}}),
            "nodeFailure": _object({"evictAfterSeconds": {"type": "integer", "minimum": 10, "maximum": 3600}}),
            "priorities": _object({tier: {"type": "string"} for tier in TIERS}),
            "network": _object(
                {
                    "gatewayNamespace": {"type": "string", "minLength": 1},
                    "dnsNamespace": {"type": "string", "minLength": 1},
                    "gatewayCidrs": _cidrs("Addresses of the gateway outside of the cluster's pods."),
                    "internetCidrs": _cidrs("What components that call the outside may reach."),
                    "operatorNamespace": {"type": "string", "minLength": 1},
                    "apiServer": _object(
                        {
                            "cidrs": _cidrs("Addresses of the Kubernetes API, for pods that an operator makes."),
                            "ports": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65535}},
                        }
                    ),
                }
            ),
        }
    )


def _place(contract: Contract) -> Schema:
    """Return the schema of a component's entry in `global.components`: only what its contract can do."""
    said = {
        Mode.EMBEDDED: "embedded: here",
        Mode.OPERATOR: "operator: here, made by an operator",
        Mode.EXTERNAL: "external: elsewhere",
        Mode.SHARED: f"shared: {contract.like} serves in its place",
        Mode.OFF: '"off" (in quotes, YAML reads a boolean): nowhere',
    }
    possible = modes_of(contract)
    properties: Schema = {
        "mode": {
            "description": "; ".join(said[mode] for mode in possible) + ".",
            "enum": [str(mode) for mode in possible],
        },
        "host": _string("Host name of an external one that speaks TCP; without port.", HOST),
        "port": {"type": "integer", "minimum": 1, "maximum": 65535},
        "cidrs": _cidrs("Addresses of an external one; without them, global.network.internetCidrs."),
    }
    if contract.external and contract.external.encryption in ("value", "never"):
        properties["tls"] = {
            "enum": ["none", "preferred", "required"] if contract.external.encryption == "value" else ["none"],
            "description": "Whether clients encrypt the way to an external one. " + sentence(contract.external.tls),
        }
    if contract.external and contract.external.provision:
        properties["provision"] = {
            "type": "boolean",
            "description": f"Whether the Job {contract.external.provision} runs against an external one.",
        }
    if contract.external and contract.external.admin:
        properties["admin"] = _string(f"User of that Job; empty for {contract.external.admin}.", r"^\S*$")
    return _object(properties)


def _cidrs(description: str) -> Schema:
    return {"type": "array", "description": description, "items": {"type": "string", "pattern": CIDR}}


def _replicas(contract: Contract) -> Schema:
    schema: Schema = {"type": "integer", "minimum": 0, "description": sentence(contract.replicas.why)}
    if contract.replicas.max is not None:
        schema["maximum"] = contract.replicas.max
    return schema


def _quantities() -> Schema:
    return _object(
        {
            "cpu": {"type": ["number", "string"], "minimum": 0, "pattern": CPU},
            "memory": {"type": ["integer", "string"], "minimum": 0, "pattern": MEMORY},
        }
    )


def _volume(purpose: str) -> Schema:
    return {
        "description": purpose,
        **_object(
            {
                "size": {"type": "string", "pattern": r"^[0-9]+(Mi|Gi|Ti)$"},
                "storageClass": {"type": "string"},
            }
        ),
    }


def _annotations() -> Schema:
    return {"type": "object", "additionalProperties": {"type": "string"}}
