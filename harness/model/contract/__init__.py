"""The contract of a component: what the upstream software at one version demands and offers.

`charts/<component>/contract.yaml` is the only hand-written description of a component. The templates derive ports,
probes, waits, NetworkPolicies and sync waves from it; values, schemas and documents are generated from it; the checks
use it as their oracle. The models below are also the source of `schemas/contract.schema.json` (`indigo generate`).
"""

from __future__ import annotations

from harness.model.contract.base import ROLES, TIERS, Closed, Name, Role, Sentence, Tier
from harness.model.contract.exposure import Alert, Forwarded, Limit, Metrics, OwnAlert, Prefix, Route, Series
from harness.model.contract.modes import External, Instance, Operator, OperatorChart
from harness.model.contract.relations import (
    Bucket,
    Client,
    Database,
    Egress,
    Encryption,
    Issuers,
    Need,
    Requirement,
    Topic,
    Trust,
)
from harness.model.contract.running import Availability, Effect, Job, Replicas, Replicated, Resources, Trap, Workload
from harness.model.contract.secret import CERTIFICATE_SHAPES, Certificate, Rotate, Secret, SecretKey
from harness.model.contract.settings import SETTING_PATTERNS, Option, Setting, Type
from harness.model.contract.software import Check, Image, Port, Probe, Probes, Security, Upstream, Writable
from harness.model.contract.whole import Contract

__all__ = [
    "CERTIFICATE_SHAPES",
    "ROLES",
    "SETTING_PATTERNS",
    "TIERS",
    "Alert",
    "Availability",
    "Bucket",
    "Certificate",
    "Check",
    "Client",
    "Closed",
    "Contract",
    "Database",
    "Effect",
    "Egress",
    "Encryption",
    "External",
    "Forwarded",
    "Image",
    "Instance",
    "Issuers",
    "Job",
    "Limit",
    "Metrics",
    "Name",
    "Need",
    "Operator",
    "OperatorChart",
    "Option",
    "OwnAlert",
    "Port",
    "Prefix",
    "Probe",
    "Probes",
    "Replicas",
    "Replicated",
    "Requirement",
    "Resources",
    "Role",
    "Rotate",
    "Route",
    "Secret",
    "SecretKey",
    "Security",
    "Sentence",
    "Series",
    "Setting",
    "Tier",
    "Topic",
    "Trap",
    "Trust",
    "Type",
    "Upstream",
    "Workload",
    "Writable",
]
