"""What the Pod Security Standard `restricted` asks of a pod, for those that the harness itself makes on a cluster.

Source: kubernetes.io/docs/concepts/security/pod-security-standards; 65534 is nobody.
"""

from __future__ import annotations

from typing import Any

POD: dict[str, Any] = {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}}
LOW_PORTS: dict[str, Any] = {"sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]}
"""Beside `POD`: nobody may listen on ports below 1024, too."""
CONTAINER: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
READ_ONLY: dict[str, Any] = {**CONTAINER, "readOnlyRootFilesystem": True}
