"""Which file, which value and which commit put an object there: on a cluster, or in what is rendered."""

from harness.trace.live import trace_live
from harness.trace.model import Decided, Origin, Source, Synced
from harness.trace.rendered import trace_rendered

__all__ = ["Decided", "Origin", "Source", "Synced", "trace_live", "trace_rendered"]
