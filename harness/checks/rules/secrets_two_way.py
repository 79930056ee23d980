"""Every Secret that is read is declared, by one who may read it; every declared key is read."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.model.environment import secret_names
from harness.secrets.references import two_way


def _check(platform: Platform) -> Iterator[Problem]:
    for sentence in two_way(platform.objects, platform.contracts, secret_names(platform.values), _needed(platform)):
        component, _, rest = sentence.partition(": ")
        known = component in platform.contracts
        message, _, fix = (rest if known else sentence).partition("; ")
        yield Problem(None, "", message, fix or None, component=component if known else "")


def _needed(platform: Platform) -> set[str]:
    """Return the optional Secrets that the site's values make needed."""
    return {
        identifier
        for name in platform.embedded
        for identifier, secret in platform.contracts[name].secrets.items()
        if secret.optional and secret.needed(platform.values.get(name) or {})
    }


RULE = Rule(
    id="secrets-two-way",
    title="Secrets that are read and Secrets that are declared are the same, and each is read by who may",
    fix="declare the Secret in the contract of its owner, or do not read it",
    source="charts/<component>/contract.yaml, secrets and requires[].secrets",
    why="A pod that reads a Secret or key that nobody makes does not start; one that nobody reads is made, "
    "rotated and guarded for nothing.",
    example=Example(
        given="secretKeyRef: {name: nobody, key: password}",
        says="reads Secret nobody, which no contract declares",
    ),
    environment=_check,
)
