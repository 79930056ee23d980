"""`README.md` of a component's chart: its contract as a page for operators."""

from __future__ import annotations

import json
from collections.abc import Sequence

from harness.generate.availability import effects
from harness.generate.schema import settable
from harness.generate.text import cell, code, page, section, sentence, table
from harness.model.contract import Contract, Probe, Setting
from harness.model.graph import Graph

NOTE = "Written by `indigo generate` from [`contract.yaml`](contract.yaml): change that file, not this page."


def render(graph: Graph, name: str) -> str:
    """Return the page of one component."""
    contract = graph.contracts[name]
    return page(
        [f"# {cell(contract.title)}", "", sentence(cell(contract.summary)), "", NOTE, ""],
        section("At a glance", _facts(graph, name)),
        section("Ports", _ports(graph, contract)),
        section("Behind the gateway", _route(contract)),
        section("Needs", _needs(graph, name)),
        section("Needed by", _needed_by(graph, name)),
        section("Databases", _databases(graph, contract)),
        section("Probes", _probes(contract)),
        section("Settings", _settings(contract)),
        section(
            "Names that are not read",
            table(
                ("name", "why"), [(code(name), sentence(cell(why))) for name, why in sorted(contract.ignored.items())]
            ),
        ),
        section("Options", _options(contract)),
        section("Secrets", _secrets(contract)),
        section("Jobs", _jobs(contract)),
        section("Writable paths", _writable(contract)),
        section("Modes and instances", _elsewhere(contract)),
        section("Availability", _availability(contract)),
        section("Traps", _traps(contract)),
        section("Not known", [f"- {sentence(cell(text))}" for text in contract.unknown]),
    )


def _facts(graph: Graph, name: str) -> list[str]:
    item = graph.contracts[name]
    image = f"{item.image.repository}:{item.image.tag}" + (f"@{item.image.digest}" if item.image.digest else "")
    most = "any number" if item.replicas.max is None else f"at most {item.replicas.max}"
    security = item.security.profile + ("" if item.security.readOnlyRootFilesystem else ", root filesystem writable")
    phases = ", ".join(f"{phase} {wave}" for phase, wave in graph.phases(name).items())
    rows = [
        ("software", f"{cell(item.upstream.name)} {cell(item.upstream.version)} ({item.upstream.repository})"),
        ("licence", cell(item.upstream.licence)),
        ("image", code(image)),
        ("runs as", f"user {item.image.uid}, group {item.image.gid}"),
        ("about the image", cell(item.image.note)),
        ("workload", f"{item.workload.kind}, {item.workload.strategy}: {cell(item.workload.why)}"),
        ("stops within", f"{item.workload.gracePeriod} s, after {item.workload.preStop} s for endpoints to drain"),
        ("replicas", f"{item.replicas.default} ({most}): {cell(item.replicas.why)}"),
        ("level", f"{graph.levels[name]} (sync waves: {phases})"),
        ("reached from outside", f"port {code(item.exposed)} through the gateway" if item.exposed else "no"),
        ("pod security", security + (f": {cell(item.security.exception)}" if item.security.exception else "")),
        ("metrics", _metrics(item)),
        ("resources", cell(item.resources.why)),
    ]
    return table(("", ""), [(title, text) for title, text in rows if text])


def _metrics(contract: Contract) -> str:
    metrics = contract.metrics
    return f"port {code(metrics.port)}, {code(metrics.path)}" if metrics.port else f"none: {cell(metrics.none)}"


def _ports(graph: Graph, contract: Contract) -> list[str]:
    rows = []
    for name, port in contract.ports.items():
        consumers = ", ".join(_link(graph, consumer) for consumer in graph.consumers(contract.component, name))
        offered = "yes" if port.service else "no"
        rows.append((code(name), str(port.port), port.protocol, cell(port.purpose), offered, consumers or "-"))
    return table(("port", "number", "protocol", "what for", "in the Service", "consumers"), rows)


def _route(contract: Contract) -> list[str]:
    route = contract.route
    if route is None:
        return []
    trusts = route.forwarded
    modes = {"strip": "is cut off by the gateway", "keep": "is known to the software", "none": "is not borne"}
    rows = [
        (
            "headers that it reads",
            ", ".join(code(header) for header in trusts.reads) or "none",
            cell(trusts.why),
            cell(trusts.source),
        ),
        (
            "believes them by",
            f"{code(trusts.setting)}, not {', '.join(code(value) or 'empty' for value in trusts.distrusts)}",
            "",
            "",
        )
        if trusts.setting
        else ("believes them by", "itself" if trusts.reads else "-", "", ""),
        ("a path in the URL", modes[route.prefix.mode], cell(route.prefix.why), cell(route.prefix.source)),
    ]
    limits = (("an answer may take", "s", route.timeout), ("largest request", "bytes", route.body),
              ("headers of an answer", "bytes", route.headers))  # fmt: skip
    rows += [
        (title, f"{limit.value} {unit}", cell(limit.why), cell(limit.source)) for title, unit, limit in limits if limit
    ]
    return table(("", "", "why", "source"), rows)


def _needs(graph: Graph, name: str) -> list[str]:
    rows = []
    for edge in graph.requirements(name):
        waits = (
            "-" if edge.need == "soft" else f"{code('GET ' + edge.path)} answers" if edge.path else "the port is open"
        )
        secrets = ", ".join(code(secret) for secret in edge.secrets) or "-"
        rows.append(
            (_link(graph, edge.provider), f"{code(edge.port)} {edge.number}", edge.need, cell(edge.why), waits, secrets)
        )
    outside = [
        (to, ", ".join(str(port) for port in out.ports), cell(out.why))
        for out in graph.contracts[name].egress
        for to in (("the internet" if out.to == "internet" else "the platform's public URLs"),)
    ]
    return [
        *table(("component", "port", "need", "why", "waits until", "reads Secrets"), rows),
        *table(("outside", "ports", "why"), outside),
    ]


def _needed_by(graph: Graph, name: str) -> list[str]:
    rows = [
        (_link(graph, edge.consumer), code(edge.port), edge.need, cell(edge.why)) for edge in graph.dependants(name)
    ]
    return table(("component", "port", "need", "why"), rows)


def _databases(graph: Graph, contract: Contract) -> list[str]:
    rows = [
        (code(name), _link(graph, item.server), code(item.user), code(item.secret), cell(item.purpose))
        for name, item in sorted(contract.databases.items())
    ]
    here = [
        (
            code(item.name),
            _link(graph, item.owner),
            code(item.database.user),
            f"{item.database.charset}, {item.database.collation}",
        )
        for item in graph.databases(contract.component)
    ]
    return [
        *table(("database", "server", "user", "Secret", "what for"), rows),
        *table(("database here", "owner", "user", "character set, collation"), here),
    ]


def _probes(contract: Contract) -> list[str]:
    rows = [(kind, _asks(probe), _patience(probe), cell(probe.why)) for kind, probe in contract.all_probes()]
    absent = [sentence(cell(contract.probes.none)), ""] if contract.probes.none else []
    return [*table(("probe", "asks", "patience", "why"), rows), *absent]


def _asks(probe: Probe) -> str:
    if probe.command:
        return code(" ".join(probe.command))
    return f"{code('GET ' + probe.path)} on {code(probe.port)}" if probe.path else f"TCP on {code(probe.port)}"


def _patience(probe: Probe) -> str:
    return f"{probe.failures} failures, every {probe.period} s, {probe.timeout} s each"


def _settings(contract: Contract) -> list[str]:
    used = {name: item for name, item in sorted(contract.settings.items()) if not item.unset}
    left = {name: item for name, item in sorted(contract.settings.items()) if item.unset}
    own = [_setting(name, item) for name, item in used.items() if settable(name, item)]
    closed = [_setting(name, item) for name, item in used.items() if not settable(name, item)]
    spare = [
        (code(name), _where(item), _kind(item), code(_default(item)), cell(item.meaning), cell(item.unset))
        for name, item in left.items()
    ]
    header = ("setting", "where", "type", "upstream's default", "meaning")
    about = [
        f"Write them under `settings` (in the umbrella: `{contract.component}.settings`); they win over the chart.",
        "",
    ]
    return [
        *about,
        *section("Set by this chart", table(header, own), level=3),
        *section("Set by this chart, not by a site (secret, or of its own making)", table(header, closed), level=3),
        *section("Left alone", table((*header, "why left alone"), spare), level=3),
    ] if contract.settings else []  # fmt: skip


def _setting(name: str, item: Setting) -> Sequence[str]:
    meaning = " ".join(
        part
        for part in (sentence(cell(item.meaning)), f"**Trap:** {sentence(cell(item.trap))}" if item.trap else "")
        if part
    )
    return (code(name), _where(item), _kind(item), code(_default(item)), meaning)


def _where(item: Setting) -> str:
    return "variable" if item.where == "env" else code(item.where)


def _kind(item: Setting) -> str:
    kind = "one of " + ", ".join(code(choice) for choice in item.allowed) if item.allowed else item.type.value
    return kind + (", required" if item.required else "") + (", secret" if item.secret else "")


def _default(item: Setting) -> str:
    if item.default is None:
        return ""
    return item.default if isinstance(item.default, str) else json.dumps(item.default)


def _options(contract: Contract) -> list[str]:
    rows = [(code(name), code(json.dumps(item.default)), cell(item.meaning)) for name, item in contract.options.items()]
    return table(("value", "default", "meaning"), rows)


def _secrets(contract: Contract) -> list[str]:
    lines: list[str] = []
    for identifier, secret in sorted(contract.secrets.items()):
        optional = [f"Optional: {sentence(cell(secret.optional))}", ""] if secret.optional else []
        rows = [
            (
                code(key),
                code(item.value) if item.value else item.shape,
                "`indigo secrets apply`" if item.generate else "a person",
                cell(item.purpose),
                cell(item.changedBy),
                cell(item.onChange),
            )
            for key, item in sorted(secret.keys.items())
        ]
        header = ("key", "value or shape", "made by", "what for", "changed by", "on change")
        lines += [f"### `{identifier}`", "", sentence(cell(secret.purpose)), "", *optional, *table(header, rows)]
    return lines


def _jobs(contract: Contract) -> list[str]:
    rows = [
        (
            code(name),
            "before the workload" if job.when == "prepare" else "after it",
            cell(job.purpose),
            f"{job.deadline} s",
        )
        for name, job in sorted(contract.jobs.items())
    ]
    return table(("job", "runs", "what it does", "deadline"), rows)


def _writable(contract: Contract) -> list[str]:
    rows = [
        (code(volume.path), "kept" if volume.keep else "lost with the pod", volume.size, cell(volume.purpose))
        for volume in contract.writable
    ]
    return table(("path", "data", "size", "what for"), rows)


def _availability(contract: Contract) -> list[str]:
    state = contract.availability
    rows = [(when, cell(item.happens), cell(item.recovery), cell(item.lost)) for when, item in effects(contract)]
    more = [f"Several pods: {sentence(cell(state.replicated.by))}", ""] if state.replicated else []
    budget = [f"A killed pod is ready again within {state.budget} s; a drill measures it.", ""]
    return [*table(("when", "what happens", "recovery", "what is lost"), rows), *more, *budget]


def _elsewhere(contract: Contract) -> list[str]:
    """Return the modes beside embedded, and the instances."""
    rows = []
    if contract.operator:
        item = contract.operator
        what = ", ".join(code(kind) for kind in item.kinds)
        pods = f"{item.replicas.default} pods: {cell(item.replicas.why)}"
        rows.append(("operator", f"{cell(item.name)} {item.version} makes it from {what}; {pods}"))
    if contract.external:
        rows.append(("external", f"{cell(contract.external.gives)} See docs/reference/external.md."))
    rows += [(code(name), f"{cell(item.title)}: {cell(item.why)}") for name, item in contract.instances.items()]
    return table(("mode or instance", "what it is"), rows) if rows else []


def _traps(contract: Contract) -> list[str]:
    rows = [(code(trap.id), cell(trap.text), cell(trap.answer), cell(trap.source)) for trap in contract.traps]
    return table(("trap", "what goes wrong", "what the chart does", "source"), rows)


def _link(graph: Graph, component: str) -> str:
    return f"[{component}](../{graph.contracts[component].chart}/README.md)"
