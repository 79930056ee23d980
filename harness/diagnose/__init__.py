"""Says why a sync does not converge: which object blocks, why, what waits for it, what to do.

masker = Masker()
snapshot = collect(cluster, "indigo-dev", masker=masker)
diagnosis = diagnose(snapshot, graph, masker)
print(diagnosis.to_text())
diagnosis.write_bundle(Path("reports/why"))
"""

from harness.diagnose.collect import Source, collect, environments
from harness.diagnose.diagnosing import diagnose
from harness.diagnose.model import Diagnosis, Fix, Reason, Ref, SyncState, Verdict, Waiting
from harness.diagnose.snapshot import Snapshot

__all__ = [
    "Diagnosis",
    "Fix",
    "Reason",
    "Ref",
    "Snapshot",
    "Source",
    "SyncState",
    "Verdict",
    "Waiting",
    "collect",
    "diagnose",
    "environments",
]
