"""The checkout as the rules see it, kept up to date: of a change only what it can touch is rendered again.

After a change below the chart of a component, the umbrella is rendered with that subchart alone
(harness/render/slim.py), which takes a fraction of the time, and what came of it replaces what it gave before.
Every other change renders whole environments: the one whose values changed, or all of them.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from harness import checks
from harness.checks.model import Finding, Platform, Rule, Subject
from harness.checks.places import Places
from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS, UMBRELLA
from harness.model.graph import Graph
from harness.model.load import load_contracts
from harness.model.placement import place
from harness.render import Rendered, render_all
from harness.render.helm import Inputs, Rendering, template_many
from harness.render.objects import Object
from harness.render.slim import instances, slim, subchart

MANY = 4  # components at once: rendering all takes less from here on


class Session:
    """One developer's session.

    Args:
        root: the checkout.
        environments: those to look at; default: all, and every profile.
        only: ids of rules; default: all.
    """

    def __init__(self, root: Path, environments: Collection[str] = (), only: Collection[str] = ()) -> None:
        self.root = root.resolve()
        self.rules = checks.chosen(only)
        self._environments = list(environments) or None
        self._subject: Subject | None = None
        self._stale: set[str] = set()
        self._asked: dict[tuple[str, str], tuple[Platform, list[Finding]]] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="indigo-watch-")
        self.folder = Path(self._folder.name)

    def close(self) -> None:
        """Remove what was written."""
        self._folder.cleanup()

    def update(self, changed: Collection[str]) -> Subject:
        """Return the checkout after some of its files (paths below it) changed.

        Raises:
            UserError: something cannot be read or rendered; these files are looked at again at the next call.
        """
        *_, last = self.stages(changed)
        return last

    def stages(self, changed: Collection[str]) -> Iterator[Subject]:
        """Yield the checkout after some of its files changed: where several are rendered, one environment comes first.

        Raises:
            UserError: as `update`.
        """
        self._stale |= set(changed)
        before = self._subject
        if before is None:
            self._subject = self._all()
        elif components := self._components(self._stale):
            first = self._first_with(components, before)
            if first is not None:
                yield self._with_components(dataclasses.replace(before, platforms=first, complete=False), components)
            self._subject = self._with_components(before, components)
        elif environments := self._own_values(self._stale, before):
            self._subject = self._with_environments(before, environments)
        elif any(path.startswith(("charts/", "argocd/")) for path in self._stale):
            own = [name for name in before.platforms if (self.root / ENVIRONMENTS / name).is_dir()]
            if len(before.platforms) > 1 and own:
                yield checks.subject([min(own, key=lambda name: _renders(before.platforms[name]))], self.root)
            self._subject = self._all()
        self._stale = set()
        assert self._subject is not None
        yield self._subject

    def _all(self) -> Subject:
        return checks.subject(self._environments, self.root, profiles=self._environments is None)

    def findings(self, subject: Subject) -> Iterator[Finding]:
        """Yield what the quick rules find, with file and line; an environment that is as before is not asked again."""
        places = Places(subject)
        for rule in self.quick:
            if rule.checkout is not None:
                found = list(rule.findings(subject))
            else:
                found = [item for platform in subject.platforms.values() for item in self._ask(rule, platform, subject)]
            yield from (places.placed(finding) for finding in found)

    @property
    def subject(self) -> Subject | None:
        """The checkout as it was seen last, all of it."""
        return self._subject

    @property
    def quick(self) -> list[Rule]:
        """The rules that are asked after every change."""
        return [rule for rule in self.rules.values() if not rule.slow]

    def _ask(self, rule: Rule, platform: Platform, subject: Subject) -> list[Finding]:
        known = self._asked.get((rule.id, platform.name))
        if known is None or known[0] is not platform:
            alone = dataclasses.replace(subject, platforms={platform.name: platform})
            known = (platform, list(rule.findings(alone)))
            self._asked[(rule.id, platform.name)] = known
        return known[1]

    # ------------------------------------------------------------ components

    def _components(self, paths: Collection[str]) -> set[str]:
        """Return the charts that were changed, where nothing else was and a render of them alone does."""
        folders = {path.split("/")[1] for path in paths if path.startswith("charts/") and path.count("/") > 1}
        inside = all(path.startswith("charts/") and path.count("/") > 1 for path in paths)
        own = all((self.root / "charts" / name / "contract.yaml").is_file() for name in folders)
        manifest = any(path.endswith("/Chart.yaml") for path in paths)
        return folders if inside and own and not manifest and len(folders) <= MANY else set()

    def _first_with(self, charts: set[str], before: Subject) -> dict[str, Platform] | None:
        """Return the environment of the fewest renders that has these components; None where no other would follow."""
        names = instances(before.contracts, charts)
        having = {
            name: platform
            for name, platform in before.platforms.items()
            if any(name in names and mode.here for name, mode in platform.modes.items())
        }
        first = min(having, key=lambda name: _renders(having[name])) if len(having) > 1 else None
        return {first: having[first]} if first is not None else None

    def _with_components(self, before: Subject, charts: set[str]) -> Subject:
        contracts = load_contracts(self.root / "charts")
        graph = before.graph if contracts == before.contracts else Graph.build(contracts)
        alone = slim(self.root, charts, self.folder)
        names = instances(contracts, charts)
        tiers = {contracts[name].tier for name in names}
        wanted: dict[tuple[str, str], Inputs] = {}
        for name, platform in before.platforms.items():
            slices = platform.rendered.environment.applications
            for application, inputs in platform.rendered.inputs.items():
                # the others give nothing of it, or the rule `slices` will say so in the complete pass
                if inputs.chart == self.root / UMBRELLA and slices.get(application, "") in ("", *tiers):
                    wanted[(name, application)] = dataclasses.replace(inputs, chart=alone)
        try:
            rendered = template_many(wanted.values())
        except UserError as error:
            where = (error.where or "").replace(str(alone), str(UMBRELLA))
            raise UserError(error.message, where=where or None, fix=error.fix, details=error.details) from None
        given: dict[str, dict[str, Rendering]] = {}
        for (name, application), inputs in wanted.items():
            given.setdefault(name, {})[application] = rendered[inputs]
        platforms = {
            name: self._merged(platform, given.get(name, {}), names, graph, graph is not before.graph)
            for name, platform in before.platforms.items()
        }
        return dataclasses.replace(before, contracts=contracts, graph=graph, platforms=platforms)

    def _merged(
        self, platform: Platform, given: Mapping[str, Rendering], names: set[str], graph: Graph, anew: bool
    ) -> Platform:
        """Return an environment with what some subcharts render now in the place of what they rendered before."""
        before = platform.rendered
        renderings = dict(before.renderings)
        for application, rendering in given.items():
            renderings[application] = _replaced(before.renderings[application], rendering, names)
        same = all(renderings[name].objects == before.renderings[name].objects for name in renderings)
        if same and not anew:
            return platform
        applications: dict[str, list[Object]] = {name: renderings[name].objects for name in before.applications}
        rendered: Rendered = dataclasses.replace(before, applications=applications, renderings=renderings)
        placed = place(graph.contracts, platform.values)
        return dataclasses.replace(
            platform, rendered=rendered, contracts=placed.graph.contracts, graph=placed.graph, modes=placed.modes
        )

    # ---------------------------------------------------------- environments

    def _own_values(self, paths: Collection[str], before: Subject) -> set[str]:
        """Return the environments whose values changed, where nothing else did."""
        files = {str(ENVIRONMENTS / name / "values.yaml"): name for name in before.platforms}
        return {files[path] for path in paths} if set(paths) <= set(files) else set()

    def _with_environments(self, before: Subject, names: set[str]) -> Subject:
        rendered = render_all(sorted(names), self.root, pinned=False)
        made = {name: checks.platform(self.root, item, before.graph) for name, item in rendered.items()}
        return dataclasses.replace(before, platforms={**before.platforms, **made})


def _renders(platform: Platform) -> int:
    return len(platform.rendered.inputs)


def _replaced(before: Rendering, now: Rendering, names: Collection[str]) -> Rendering:
    """Return a rendering with the objects of some subcharts replaced."""
    new = {
        _identity(item, source): (item, source)
        for item, source in zip(now.objects, now.sources, strict=True)
        if subchart(source) in names
    }
    pairs: list[tuple[Object, str]] = []
    for item, source in zip(before.objects, before.sources, strict=True):
        if subchart(source) not in names:
            pairs.append((item, source))
        elif pair := new.pop(_identity(item, source), None):
            pairs.append(pair)
    pairs += new.values()
    return dataclasses.replace(before, objects=[item for item, _ in pairs], sources=[source for _, source in pairs])


def _identity(item: Object, source: str) -> tuple[str, ...]:
    metadata = item["metadata"]
    return (
        subchart(source),
        item["apiVersion"],
        item["kind"],
        str(metadata.get("namespace")),
        str(metadata.get("name")),
    )
