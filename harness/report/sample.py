"""Made-up runs: for the tests of the page, and for whoever changes it (`python -m harness.report --sample DIR`)."""

from __future__ import annotations

from datetime import UTC, datetime

from harness.model.contract import Need
from harness.report.model import (
    Artefact,
    Assertion,
    Component,
    DrillLine,
    Edge,
    Engine,
    Graph,
    Item,
    Machine,
    Outcome,
    Phase,
    Report,
    Revision,
    State,
    Sync,
    Tier,
    tier_results,
    verdict,
)

_SMALL = {
    "mariadb": (0, "data", ()),
    "valkey": (0, "data", ()),
    "iam": (1, "core", (("mariadb", "mysql", "hard"), ("valkey", "redis", "soft"))),
    "orchestrator": (2, "core", (("mariadb", "mysql", "hard"), ("iam", "http", "hard"))),
    "dashboard": (
        3,
        "core",
        (("mariadb", "mysql", "hard"), ("orchestrator", "http", "hard"), ("iam", "http", "hard"),
         ("valkey", "redis", "soft")),
    ),
}  # fmt: skip
_FAILURE = """\
tests/gitops/test_drift.py:48: in test_an_edited_image_is_put_back
    healed = platform.wait_for_image("iam", wanted, seconds=60)
harness/cluster/wait.py:91: in wait_for_image
    raise Unchanged(f"{kind} {name} still runs {seen}")
E   harness.cluster.wait.Unchanged: Deployment iam still runs example/iam:edited-by-hand
E     after 60 s; Argo CD said: OutOfSync, sync failed: admission webhook denied the request: the field is immutable
E     spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"app.kubernetes.io/name":"iam"}}"""
_SENTENCES = (
    ("Every component becomes healthy within its budget.", "a probe that never answers"),
    ("No component is created before what it needs is ready.", "a wave that is too low"),
    ("A second sync of the same revision changes nothing.", "a template with a random value"),
    ("What is edited by hand is put back.", "an image edited by hand"),
    ("What left Git is pruned, and nothing else.", "a removed component that stays"),
    ("A revision that does not render leaves the platform as it is.", "a broken template that deletes objects"),
    ("Going back to the last revision brings back its objects.", "an object that only the new revision knows"),
    ("A failed hook stops the sync before the workload.", "a migration that ends with status 1"),
    ("Every pod is admitted by the restricted profile of PodSecurity.", "a container that runs as root"),
)


def graph(large: bool = False) -> Graph:
    """Return the graph of five components, or one of 35."""
    if not large:
        return Graph(
            components=tuple(Component(name=n, level=lv, wave=10 * lv, tier=t) for n, (lv, t, _) in _SMALL.items()),
            edges=tuple(
                Edge(from_=name, to=to, port=port, need=Need(need))
                for name, (_, _, needs) in _SMALL.items()
                for to, port, need in needs
            ),
        )
    sizes = (5, 7, 8, 6, 5, 3, 1)
    words = ("ledger", "broker", "cache", "registry", "policy-engine", "gateway", "scheduler", "indexer")
    names = [
        [f"{words[(i + level) % 8]}-{level}{chr(97 + i)}" for i in range(size)] for level, size in enumerate(sizes)
    ]
    names[2][3] = "a-component-with-a-very-long-name"
    edges: dict[tuple[str, str], Edge] = {}
    for level, row in enumerate(names[1:], 1):
        for i, name in enumerate(row):
            near = names[level - 1]
            wanted = [(near[i % len(near)], "hard"), (near[(3 * i + 1) % len(near)], "soft"), (names[0][0], "hard")]
            if level > 2:
                far = names[(i * 5 + level) % (level - 1)]
                wanted.append((far[(i * 7) % len(far)], "soft" if i % 3 else "hard"))
            for to, need in wanted:
                edges.setdefault((name, to), Edge(from_=name, to=to, port="http", need=Need(need)))
    extra = Edge(from_=names[3][0], to=names[3][4], port="grpc", need=Need.SOFT)
    back = Edge(from_=names[1][6], to=names[4][0], port="http", need=Need.SOFT)
    tiers = ("data", "data", "core", "core", "services", "services", "batch")
    components = tuple(
        Component(name=name, level=level, wave=10 * level, tier=tiers[level])
        for level, row in enumerate(names)
        for name in row
    )
    return Graph(components=components, edges=(*edges.values(), extra, back))


def sync(of: Graph, name: str, start: float, *, stuck: str | None = None) -> Sync:
    """Return a sync in which every level takes its time; `stuck` names a component that never becomes healthy."""
    items, clock, blocked = [], start + 1.2, False
    needs = {c.name: tuple(f"{e.to}:{e.port}" for e in of.edges if e.from_ == c.name) for c in of.components}
    for level in sorted({component.level for component in of.components}):
        row = [component for component in of.components if component.level == level]
        for place, c in enumerate(row):
            common = {"component": c.name, "name": c.name}
            begin = None if blocked else round(clock + 0.3 * place, 2)
            state = State.WAITING if blocked else State.HEALTHY
            for kind in ("Service", "ConfigMap", "NetworkPolicy"):
                items.append(Item(**common, kind=kind, wave=c.wave, created=begin, ready=begin, state=state,
                                  waits_for=needs[c.name] if blocked else ()))  # fmt: skip
            work, wave, took = (
                ("StatefulSet" if level == 0 else "Deployment"),
                c.wave + 2,
                3.5 + 1.7 * ((place + level) % 4),
            )
            if c.name in ("iam", "orchestrator") and begin is not None:
                ended = round(begin + 2.4, 2)
                job = Item(component=c.name, kind="Job", name=f"{c.name}-migrate", wave=c.wave + 1, created=begin + 0.6,
                           ready=ended, state=State.HEALTHY)  # fmt: skip
                items.append(job)
                begin = ended + 0.2
            hung = c.name == stuck
            ready = None if begin is None or hung else round(begin + took, 2)
            state = State.WAITING if begin is None else State.DEGRADED if hung else State.HEALTHY
            items.append(Item(**common, kind=work, wave=wave, created=begin, ready=ready, state=state,
                              waits_for=needs[c.name] if ready is None else ()))  # fmt: skip
        blocked = blocked or any(component.name == stuck for component in row)
        if not blocked:
            clock = max(item.ready for item in items if item.ready is not None) + 0.8
    end = clock if not blocked else clock + 30
    return Sync(name=name, started=start, finished=round(end, 2), failed=blocked, items=tuple(items))


def report(*, large: bool = False, failed: bool = False, complete: bool = True) -> Report:
    """Return a made-up run; every combination is a valid report."""
    drawn = graph(large)
    stuck = ("orchestrator" if not large else drawn.components[20].name) if failed else None
    first = sync(drawn, "first sync, on an empty cluster", 21.4, stuck=stuck)
    end = first.finished or 0.0
    second = Sync(name="second sync, nothing to change", started=end + 4, finished=end + 6.1,
                  items=tuple(i.model_copy(update={"created": end + 4.2, "ready": end + 5}) for i in first.items
                              if i.kind in ("Deployment", "StatefulSet")))  # fmt: skip
    assertions = _assertions(failed, complete)
    tiers = tier_results(assertions, {Tier.KIND: "Docker is not on this machine", Tier.CLUSTER: "no kubeconfig given"})
    last = end + 74.0
    status = None if not complete else int(failed)
    return Report(
        id="20260114-093012-4711",
        verdict=verdict(tiers, complete=complete, exit_status=status),
        complete=complete,
        exit_status=status,
        started=datetime(2026, 1, 14, 9, 30, 12, tzinfo=UTC),
        seconds=round(last, 1),
        command="make e2e ENVIRONMENT=dev",
        revision=Revision(commit="4f7c2a9be01d5c3377a1e6d0b8f29c4455aa9d10", dirty=True),
        engine=Engine(name="embedded", tier=Tier.GITOPS),
        simulated=(
            "Nodes and pods are simulated by kwok: a pod becomes ready without running its image.",
            "The Git server is a bare repository made of the working tree.",
        ),
        machine=Machine(cores=4, memory_bytes=16 * 2**30, os="Debian GNU/Linux 12 (Linux 6.1 x86_64)", python="3.11.9"),
        versions={"Argo CD": "3.2.1", "Helm": "3.19.0", "Kubernetes": "1.34.2", "etcd": "3.6.5", "kwok": "0.7.0"},
        tiers=tiers,
        phases=_phases(first, last, complete),
        assertions=assertions,
        syncs=(first,) if failed else (first, second),
        graph=drawn,
        drills=(
            DrillLine(
                drill="kill-store",
                component="mariadb",
                held=not failed,
                measure="requests",
                recovery=7.7,
                budget=60,
                asked=65,
                failed=74,
                away={"mariadb": 5.4, "iam": 5.4},
            ),
            DrillLine(
                drill="drain-node",
                held=True,
                measure="readiness",
                recovery=1.2,
                budget=360,
                asked=33,
                notes=("drained: node-1, 2 pods",),
            ),
            DrillLine(
                drill="stop-node",
                held=False,
                measure="requests",
                budget=370,
                asked=5010,
                failed=5000,
                away={"iam": 740.0},
            ),
        )
        if large
        else (),
        notes=("The database of the environment was empty: migrations ran from the first version.",),
        artefacts=(Artefact(title="Logs of the engine", path="logs"), Artefact(title="Bundle", path="bundle.tar.gz")),
    )


def _phases(first: Sync, last: float, complete: bool) -> tuple[Phase, ...]:
    end = first.finished or 0.0
    return (
        Phase(name="working tree to Git", start=0.2, seconds=0.9, budget=3),
        Phase(name="engine up", start=1.1, seconds=17.8, budget=20),
        Phase(name="etcd", start=1.2, seconds=2.3, parent="engine up"),
        Phase(name="kube-apiserver", start=3.5, seconds=6.1, parent="engine up"),
        Phase(name="Argo CD", start=9.6, seconds=9.2, budget=8, parent="engine up"),
        Phase(name="bootstrap", start=18.9, seconds=2.5, budget=5),
        Phase(name="first sync", start=21.4, seconds=round(end - 21.4, 1), budget=30),
        Phase(name="assertions", start=end, seconds=round(last - end - 3, 1) if complete else None, budget=90),
    )


def _assertions(failed: bool, complete: bool) -> tuple[Assertion, ...]:
    found = []
    for number, (sentence, refutes) in enumerate(_SENTENCES):
        bad = failed and number == 3
        left = not complete and number > 5
        outcome = Outcome.SKIPPED if left else Outcome.FAILED if bad else Outcome.PASSED
        found.append(Assertion(
            id=f"tests/gitops/test_sync.py::test_{number}", sentence=sentence, tier=Tier.GITOPS, outcome=outcome,
            seconds=0.0 if left else 1.3 + number * 2.7, message=_FAILURE if bad else "the run ended before it" if left
            else "", refutes=refutes, file=f"tests/gitops/test_sync.py:{20 + 14 * number}", ran=not left))  # fmt: skip
    for number, component in enumerate((*_SMALL, "the umbrella")):
        skipped = component == "valkey"
        found.append(Assertion(
            id=f"tests/static/test_render.py::test_closed[{component}]", tier=Tier.STATIC, seconds=0.2 + number / 10,
            sentence=f"The values schema of {component} refuses a key it does not know.",
            outcome=Outcome.SKIPPED if skipped else Outcome.PASSED, refutes="a typing error in values.yaml",
            message="valkey has no settings of its own" if skipped else "", file="tests/static/test_render.py:31",
        ))  # fmt: skip
    return tuple(found)
