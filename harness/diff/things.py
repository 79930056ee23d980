"""What happens to objects: those that cannot be changed in place, are replaced, pruned or kept, and all the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.checks.rules.data_protection import sync_options
from harness.diff.fields import Field
from harness.diff.immutable import Effect, Violation, violations
from harness.diff.model import Change, Kind, Level
from harness.diff.network import came_or_gone
from harness.diff.pairs import Pair, Pairs, line, lines, pair, shown
from harness.diff.pods import rerun, template_fields
from harness.render.objects import Object

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")
_HOLDS_DATA = {
    "PersistentVolumeClaim", "Namespace", "MariaDB", "Database", "Kafka", "KafkaNodePool", "KafkaTopic",
}  # fmt: skip
_INPUT = ("spec", "source", "helm")  # of an Application: what comes of it is compared itself


def immutable(pairs: Pairs) -> Iterator[Change]:
    """Yield what cannot be changed in place, with what to do instead."""
    for one in (*pairs.components, *pairs.delivery):
        for found in _violations(one):
            entry = found.entry
            refused = entry.effect is Effect.REFUSED
            condition = f" ({entry.condition})" if entry.condition else ""
            comes = (
                "the API server refuses it, and the sync fails" if refused else "it is written, and nothing comes of it"
            )
            if "." in entry.group and not entry.group.endswith(".k8s.io") and refused:
                comes = "the operator's webhook refuses it, and the sync fails"
            names = ", ".join(dict.fromkeys(_top(field, entry.path) for field in found.fields))
            yield Change(
                kind=Kind.IMMUTABLE,
                level=Level.DANGER if refused else Level.ATTENTION,
                component=one.component,
                object=one.title,
                text=f"{names}{condition}: {comes}",
                details=(*(line(field) for field in found.fields), f"costs: {entry.procedure.costs}"),
                steps=found.steps(one.item),
            )


def _violations(one: Pair) -> list[Violation]:
    if one.before is None or one.after is None or not one.changed or _replaces(one.after):
        return []
    return violations(one.before, one.after)


def _top(field: Field, path: tuple[str, ...]) -> str:
    """Return the field of the table, or the one just below it where that is the whole spec."""
    return ".".join(field.path[: len(path) + 1] if path == ("spec",) else path)


def _replaces(item: Object) -> bool:
    return bool({"Replace=true", "Force=true"} & sync_options(item))


def data(pairs: Pairs) -> Iterator[Change]:
    """Yield what puts data at stake."""
    for one in (*pairs.components, *pairs.delivery):
        if one.gone and not one.kept and _holds_data(one.item):
            yield Change(
                kind=Kind.DATA,
                level=Level.DANGER,
                component=one.component,
                object=one.title,
                text="is pruned, and what it holds is lost with it",
                steps=("keep it: argocd.argoproj.io/sync-options: Prune=false on it, in a commit before this one",),
            )
        if one.before is not None and one.after is not None:
            lost = sorted({"Prune=false", "Delete=false"} & (sync_options(one.before) - sync_options(one.after)))
            if lost:
                yield Change(
                    kind=Kind.DATA,
                    level=Level.DANGER if _holds_data(one.item) else Level.ATTENTION,
                    component=one.component,
                    object=one.title,
                    text=f"is no longer protected by {', '.join(lost)}",
                )
            for field in one.at("spec", "persistentVolumeClaimRetentionPolicy"):
                if "Delete" in str(field.new):
                    yield Change(
                        kind=Kind.DATA,
                        level=Level.DANGER,
                        component=one.component,
                        object=one.title,
                        text=f"its claims go with it from now on: {line(field)}",
                    )


def _holds_data(item: Object) -> bool:
    policy = (item.get("spec") or {}).get("persistentVolumeClaimRetentionPolicy") or {}
    return item["kind"] in _HOLDS_DATA or policy.get("whenDeleted") == "Delete"


def replaced(pairs: Pairs) -> Iterator[Change]:
    """Yield objects that are deleted and made anew: those of another kind, and those with Replace or Force."""
    for one, other in _exchanged(pairs):
        claims = bool(one.item["spec"].get("volumeClaimTemplates"))
        yield Change(
            kind=Kind.REPLACED,
            level=Level.ATTENTION,
            component=other.component,
            object=other.title,
            text=f"takes the place of {one.title}"
            + ("; its claims stay, and nothing uses them any more" if claims else ""),
        )
    for one in pairs.components:
        if one.changed and one.after is not None and _replaces(one.after):
            yield Change(
                kind=Kind.REPLACED,
                level=Level.ATTENTION,
                component=one.component,
                object=one.title,
                text="is deleted and made anew (sync option Replace or Force)",
                details=tuple(line(field) for field in one.fields),
            )


def _exchanged(pairs: Pairs) -> Iterator[tuple[Pair, Pair]]:
    new = {(one.component, one.name): one for one in pairs.components if one.new and one.kind in WORKLOADS}
    for one in pairs.components:
        other = new.get((one.component, one.name)) if one.gone and one.kind in WORKLOADS else None
        if other is not None:
            yield one, other


def pruned(pairs: Pairs) -> Iterator[Change]:
    """Yield what is pruned, or stays although nothing renders it; a component that goes says its own in one piece."""
    told = rerun(pairs) | {one.name for one, _ in _exchanged(pairs)}
    moved = came_or_gone(pairs)
    for one in pairs.components:
        if not one.gone or one.component in moved:
            continue
        if one.kept:
            yield Change(
                kind=Kind.KEPT,
                component=one.component,
                object=one.title,
                text="is not pruned (Prune=false): it stays until somebody deletes it",
            )
        elif not (one.name in told and one.kind in ("Job", *WORKLOADS)):
            yield Change(
                kind=Kind.REMOVED, level=Level.ATTENTION, component=one.component, object=one.title, text=_prune(pairs)
            )


def _prune(pairs: Pairs) -> str:
    sync = pairs.platform.rendered.environment.sync
    return "is pruned" if sync.automated else "is pruned when somebody syncs with pruning"


def delivery(pairs: Pairs) -> Iterator[Change]:
    """Yield what changes of namespace, project and Applications, and which components another Application delivers."""
    for one in pairs.delivery:
        fields = [field for field in one.fields if field.path[:3] != _INPUT or field.path[3:4] == ("parameters",)]
        pinned = one.at("spec", "source", "targetRevision")
        if one.new or one.gone:
            application = one.kind == "Application"
            kept = "is no longer rendered, and stays" if one.kept else "is pruned"
            gone = "is pruned, which deletes nothing of what it delivered" if application and not one.kept else kept
            yield _delivered(one, "is new" if one.new else gone, Level.INFO if one.new else Level.ATTENTION)
        elif pinned:
            yield _delivered(one, f"runs another commit of the charts: {line(pinned[0])}", Level.INFO)
        elif fields:
            yield _delivered(one, _count(fields), _level(one, fields), tuple(line(field) for field in fields))
    yield from _handed_over(pairs)


def _delivered(one: Pair, text: str, level: Level, details: tuple[str, ...] = ()) -> Change:
    return Change(kind=Kind.DELIVERY, level=level, object=one.title, text=text, details=details)


def _level(one: Pair, fields: list[Field]) -> Level:
    wide = one.kind == "AppProject" or any("pod-security" in field.where for field in fields)
    return Level.ATTENTION if wide else Level.INFO


def _handed_over(pairs: Pairs) -> Iterator[Change]:
    ways: dict[tuple[str, str], list[str]] = {}
    for one in pairs.components:
        if not (one.new or one.gone) and one.application != one.after_application:
            ways.setdefault((one.application, one.after_application), []).append(one.title)
    for (old, new), objects in sorted(ways.items()):
        text = f"{len(objects)} objects are delivered by {new} instead of {old}; none of them is made anew for that"
        yield Change(kind=Kind.DELIVERY, text=text)


def others(pairs: Pairs) -> Iterator[Change]:
    """Yield what is not said elsewhere: new objects of components that stay, and fields that replace no pod."""
    moved = came_or_gone(pairs)
    exchanged = {other.title for _, other in _exchanged(pairs)}
    shared = _shared(pairs)
    for (where, old, new), names in shared.items():
        text = f"{where}: {old} -> {new}, on {len(names)} objects"
        yield Change(kind=Kind.OBJECT, text=text, details=(", ".join(names),))
    for one in pairs.components:
        if one.component in moved or one.kind == "Job" or one.title in exchanged:
            continue
        if one.new and one.kind == "NetworkPolicy":
            continue  # its connections are told
        if one.new:
            yield Change(kind=Kind.OBJECT, component=one.component, object=one.title, text="is new")
            continue
        if not one.changed or one.gone:
            continue
        fields = [field for field in _rest(one) if _everywhere(field) not in shared]
        if fields:
            operated = _operated(pairs, one)
            yield Change(
                kind=Kind.OBJECT,
                level=Level.ATTENTION if operated else Level.INFO,
                component=one.component,
                object=one.title,
                text=f"{_count(fields)}{operated}",
                details=tuple(one_line for field in fields for one_line in lines(field)),
            )


def _everywhere(field: Field) -> tuple[str, str, str] | None:
    """Return what a label or annotation becomes; None for any other field."""
    return (field.where, shown(field.old), shown(field.new)) if field.path[0] == "metadata" else None


def _shared(pairs: Pairs) -> dict[tuple[str, str, str], list[str]]:
    """Return labels and annotations that become the same on several objects (another wave, say), with those."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in pairs.components:
        for field in one.fields:
            what = _everywhere(field)
            if what is not None and one.kind != "Job":
                found.setdefault(what, []).append(one.title)
    return {what: names for what, names in found.items() if len(names) > 1}


def _rest(one: Pair) -> Iterator[Field]:
    """Yield the fields of an object that no other statement is about."""
    told: list[Any] = [*template_fields(one), *one.at("spec", "replicas")]
    told += [field for found in _violations(one) for field in found.fields]
    if one.kind == "NetworkPolicy":
        told += [*one.at("spec", "ingress"), *one.at("spec", "egress")]
    if one.kind == "ConfigMap":
        told += [*one.at("data"), *one.at("binaryData")]
    for field in one.fields:
        if field not in told:
            yield field


def _operated(pairs: Pairs, one: Pair) -> str:
    contract = pairs.contract(one)
    operator = contract.operator if contract else None
    if operator is None or one.kind not in operator.kinds or one.kind in operator.provides:
        return ""
    return f"; {operator.name} carries it out, and may replace pods for it one after the other"


def _count(fields: list[Field]) -> str:
    return "one field" if len(fields) == 1 else f"{len(fields)} fields"


def bootstrap(before: list[Object], after: list[Object]) -> Iterator[Change]:
    """Yield what changes of what an operator applies once to a cluster."""
    for one in pair((("", item) for item in before), (("", item) for item in after)):
        text = "is new" if one.new else "is no longer rendered" if one.gone else _count(list(one.fields))
        wide = one.kind in ("AppProject", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
        yield Change(
            kind=Kind.DELIVERY,
            level=Level.ATTENTION if wide or one.gone else Level.INFO,
            object=one.title,
            text=f"{text} (what an operator applies once: indigo bootstrap)",
            details=tuple(line(field) for field in one.fields),
        )
