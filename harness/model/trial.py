"""An environment to try a profile with: what `make e2e --profile` deploys and the static tests check.

`minimal` is tried with the environment dev as it stands. Every other profile is tried with the example of a site
(argocd/examples/site), which is added to the tree of the run under a name of its own: nothing of it is below
argocd/environments of the checkout, where a bootstrap would deploy it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UserError
from harness.model.contract import Contract
from harness.model.environment import ENVIRONMENTS, UMBRELLA, overlay
from harness.model.load import load_contracts, read_yaml
from harness.model.placement import place

EXAMPLE = Path("argocd") / "examples" / "site"
WHOLE = ("minimal", "full")  # the other profiles are layers over `full`
MINIMAL = "dev"


@dataclass(frozen=True)
class Trial:
    """An environment by name, and what the tree of a run has otherwise for it: path -> text, or None for no file.

    The other environments are not in the tree: a run is about one.
    """

    environment: str
    files: Mapping[str, str | None] = field(default_factory=dict)

    def write(self, tree: Path) -> None:
        """Make a copy of a checkout what the run's tree is."""
        for path, text in self.files.items():
            if text is None:
                (tree / path).unlink()
            else:
                (tree / path).parent.mkdir(parents=True, exist_ok=True)
                (tree / path).write_text(text, encoding="utf-8")


def profiles(repository: Path) -> list[str]:
    """Return the names of all profiles of a checkout, in alphabetical order."""
    return sorted(path.stem for path in (repository / UMBRELLA / "profiles").glob("*.yaml"))


def trial(repository: Path, profile: str) -> Trial:
    """Return the environment that a profile is tried with.

    Args:
        repository: the checkout.
        profile: a file of charts/indigo-paas/profiles; what it needs of a site beyond the example's values.yaml is in
            argocd/examples/site/values-<profile>.yaml, where that is there.

    Raises:
        UserError: there is no such profile, or the example is not right.
    """
    known = profiles(repository)
    if profile not in known:
        raise UserError(
            f"no profile {profile}",
            where=str(UMBRELLA / "profiles"),
            fix=f"write one of those there are: {', '.join(known)}",
        )
    if profile == "minimal":
        return Trial(MINIMAL, _without_environments(repository, MINIMAL))
    name = f"trial-{profile}"
    layers = [profile] if profile in WHOLE else ["full", profile]
    site = _map(repository, EXAMPLE / "values.yaml")
    own = EXAMPLE / f"values-{profile}.yaml"
    if (repository / own).is_file():
        site = overlay(site, _map(repository, own))
    site = overlay(site, {"global": {"environment": name}})
    merged = _map(repository, UMBRELLA / "values.yaml")
    for layer in layers:
        merged = overlay(merged, _map(repository, UMBRELLA / "profiles" / f"{layer}.yaml"))
    config = {
        **_map(repository, EXAMPLE / "config.yaml"),
        "name": name,
        "namespace": f"indigo-{name}",
        "profiles": layers,
        "podSecurity": pod_security(load_contracts(repository / "charts"), overlay(merged, site)),
    }
    folder = ENVIRONMENTS / name
    return Trial(
        name,
        {
            **_without_environments(repository),
            str(folder / "config.yaml"): yaml.safe_dump(config, sort_keys=False),
            str(folder / "values.yaml"): yaml.safe_dump(site, sort_keys=False),
        },
    )


def in_turn(names: Sequence[str], wanted: str, day: datetime.date) -> list[str]:
    """Return which of some profiles a run brings up beside its own.

    Args:
        names: the profiles there are, without the run's own.
        wanted: `in-turn`: one of them, another each day (its number in the calendar modulo theirs), so that a run can
            be repeated on the same day; `all`; `none`; or names with commas.
        day: today.

    Raises:
        UserError: a name that is none of them.
    """
    if wanted == "none" or not names:
        return []
    if wanted == "all":
        return list(names)
    if wanted == "in-turn":
        return [names[day.toordinal() % len(names)]]
    chosen = [name.strip() for name in wanted.split(",")]
    for name in chosen:
        if name not in names:
            raise UserError(
                f"no other profile {name}", where="--others", fix=f"one of those there are: {', '.join(names)}"
            )
    return chosen


def pod_security(contracts: Mapping[str, Contract], values: Mapping[str, Any]) -> str:
    """Return the strictest Pod Security Standard that lets every component run that merged values switch on."""
    needed = {contracts[name].security.profile for name in place(contracts, values).here()}
    return "baseline" if "baseline" in needed else "restricted"


def _without_environments(repository: Path, but: str = "") -> dict[str, str | None]:
    found = (repository / ENVIRONMENTS).glob("*/*")
    return {str(path.relative_to(repository)): None for path in found if path.parent.name != but}


def _map(repository: Path, path: Path) -> dict[str, Any]:
    data = read_yaml(repository / path, str(path))
    if not isinstance(data, dict):
        raise UserError(f"expected a mapping, found {type(data).__name__}", where=str(path))
    return data
