"""What a kind of blockage finds in a case, and the commands it may advise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from harness.diagnose.cases import Case, Stage
from harness.diagnose.model import Fix, Reason, Verdict
from harness.diagnose.objects import name_of


@dataclass(frozen=True)
class Finding:
    """Why a case blocks.

    Attributes:
        why: the rest of the headline, after the object.
        fixes: what to look at or to run, the likeliest first.
        reasons: facts that come before those that every case gives.
        needs: the component it waits for; then that one is what blocks, if anything is wrong with it.
        verdict: RUNNING where nothing is wrong yet.
    """

    why: str
    fixes: tuple[Fix, ...] = ()
    reasons: tuple[Reason, ...] = ()
    needs: str = ""
    verdict: Verdict = Verdict.BLOCKED


@dataclass(frozen=True)
class Kind:
    """A kind of blockage: a name for programs, words for people, and the function that recognises it.

    Attributes:
        name: stands in the JSON.
        title: stands in the documentation.
        stage: which cases it is asked for.
        find: returns what it found, or None where the case is not of this kind.
        follows: whether something unhealthy that the component needs hard explains it better.
        alone: whether it is asked for only where nothing else was found, or nothing else that blocks.
    """

    name: str
    title: str
    stage: Stage
    find: Callable[[Case], Finding | None]
    follows: bool = False
    alone: Literal["", "unblocked", "unexplained"] = ""


def kubectl(case: Case, command: str) -> str:
    """Return a kubectl command in the namespace of the case's object."""
    return f"kubectl -n {case.ref.namespace or case.view.namespace} {command}"


def describe(case: Case) -> Fix:
    """Advise to look at the object itself."""
    return Fix(text="Look at the object and its events.", command=kubectl(case, f"describe {_argument(case)}"))


def _argument(case: Case) -> str:
    return f"{case.ref.kind.lower()} {case.ref.name}"


def logs(case: Case, *, previous: bool = False) -> Fix:
    """Advise to read the whole log of the container at fault."""
    one = case.culprit
    if one is None:
        return describe(case)
    before = " --previous" if previous else ""
    return Fix(text="Read the whole log.", command=kubectl(case, f"logs {name_of(one.pod)} -c {one.name}{before}"))


def indigo(case: Case, command: str) -> str:
    """Return an `indigo` command for the environment of the case."""
    environment = f" --environment {case.view.environment}" if case.view.environment else ""
    return f"indigo {command}{environment}"


def values_file(case: Case) -> str:
    """Return the name of the environment's values file, for a sentence."""
    return f"argocd/environments/{case.view.environment or '<environment>'}/values.yaml"


def sync_again(case: Case) -> Fix:
    """Advise to start the sync anew: Argo CD does not try a failed revision again by itself.

    Nor a newer one, where the Application has `manifest-generate-paths` and the newer one was compared while the
    failed one was under way: it counts as unchanged then (controller/appcontroller.go 3.6.1, alreadyAttemptedSync).
    """
    name = case.application.get("metadata", {}).get("name", "")
    namespace = case.application.get("metadata", {}).get("namespace", "argocd")
    return Fix(
        text="Argo CD has given up and does not start again by itself, at times not even for a newer commit: do it.",
        command=f'kubectl -n {namespace} patch application {name} --type merge -p \'{{"operation":{{"sync":{{}}}}}}\'',
    )


def end_sync(case: Case) -> Fix:
    """Advise to end a sync of an older commit: a newer one, perhaps the fix, waits for its end."""
    name = case.application.get("metadata", {}).get("name", "")
    namespace = case.application.get("metadata", {}).get("namespace", "argocd")
    return Fix(
        text="This sync is of an older commit, and newer ones wait for its end: end it if they hold the fix, then "
        "start the new one.",
        command=f"kubectl -n {namespace} patch application {name} --type merge "
        """-p '{"status":{"operationState":{"phase":"Terminating"}}}'""",
    )


def refresh(case: Case) -> Fix:
    """Advise to let Argo CD compare again, without what it has cached."""
    name = case.application.get("metadata", {}).get("name", "")
    namespace = case.application.get("metadata", {}).get("namespace", "argocd")
    return Fix(
        text="Let Argo CD look again once it is mended.",
        command=f"kubectl -n {namespace} annotate application {name} argocd.argoproj.io/refresh=hard --overwrite",
    )
