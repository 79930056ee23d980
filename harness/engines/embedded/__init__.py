"""The engine `embedded`: a whole control plane with a headless Argo CD as plain processes, no root, no Docker."""

from harness.engines.embedded.engine import EmbeddedEngine
from harness.engines.embedded.settings import ArgoSettings, Settings

__all__ = ["ArgoSettings", "EmbeddedEngine", "Settings"]
