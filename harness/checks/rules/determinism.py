"""The same input gives the same bytes: another time, language and time zone, keys in another order, another cluster."""

from __future__ import annotations

import dataclasses
import json
import secrets
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml

from harness.checks.model import Example, Problem, Rule, Subject
from harness.render import Inputs, cache
from harness.render.helm import WORKERS, digest, template, template_text
from harness.render.locate import shown
from harness.render.objects import Dumper, Loader, parse_objects, title

ELSEWHERE = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Kiritimati"}
OTHER_APIS = (
    "monitoring.coreos.com/v1/ServiceMonitor",
    "gateway.networking.k8s.io/v1/HTTPRoute",
    "k8s.mariadb.com/v1alpha1",
)


PROVED = "determinism"  # the folder of the cache that remembers which inputs gave the same twice


def _check(subject: Subject) -> Iterator[tuple[str, Problem]]:
    work = [
        (name, application, inputs, platform.rendered.digests[application], proof)
        for name, platform in subject.platforms.items()
        for application, inputs in platform.rendered.inputs.items()
        if not cache.load(proof := _proof(platform.rendered.keys.get(application, "")), PROVED)
    ]
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        texts = list(pool.map(lambda item: other_render(item[2]), work))
    for (name, application, inputs, first, proof), text in zip(work, texts, strict=True):
        if digest(text) == first:
            cache.store(proof, True, PROVED)
        else:
            yield (
                name,
                Problem(
                    None,
                    "",
                    f"{application} renders differently in another environment, order of keys or cluster: "
                    f"{_difference(inputs, text)}",
                    component="",
                    file=shown(inputs.chart),
                ),
            )


def _proof(key: str) -> str:
    """Return the name of the proof that what has this key (the hash of all that Helm is given) gave the same twice."""
    proof = cache.Key()
    proof.add("elsewhere", json.dumps([ELSEWHERE, OTHER_APIS]))
    proof.add("inputs", key or secrets.token_hex())  # without a key nothing is remembered
    return proof.text()


def other_render(inputs: Inputs) -> str:
    """Return what Helm gives for the same values: keys reversed, another locale and time zone, other APIs."""
    with tempfile.TemporaryDirectory(prefix="indigo-reversed-") as folder:
        values = []
        for index, path in enumerate(inputs.values):
            data = yaml.load(path.read_text(encoding="utf-8"), Loader=Loader)
            values.append(Path(folder) / f"{index}.yaml")
            values[-1].write_text(yaml.dump(backwards(data), Dumper=Dumper, sort_keys=False), encoding="utf-8")
        inline = json.dumps(backwards(json.loads(inputs.inline))) if inputs.inline.startswith("{") else inputs.inline
        other = dataclasses.replace(inputs, values=tuple(values), inline=inline, api_versions=OTHER_APIS)
        return template_text(other, ELSEWHERE)


def backwards(value: Any) -> Any:
    """Return data with the keys of every map in the opposite order; lists keep theirs, which has a meaning."""
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(list(value))}
    return [backwards(item) for item in value] if isinstance(value, list) else value


def _difference(inputs: Inputs, text: str) -> str:
    first = {title(item): item for item in template(inputs).objects}
    second = {title(item): item for item in parse_objects(text)}
    unequal = sorted(name for name in set(first) | set(second) if first.get(name) != second.get(name))
    return f"see {', '.join(unequal[:3])}" if unequal else "the same objects, written differently"


RULE = Rule(
    id="determinism",
    title="The same values give the same bytes, wherever, whenever and in whatever order of keys",
    fix="sort what a template ranges over, and take nothing from outside the values",
    source="Argo CD documentation, Helm (random data); argoproj/argo-cd issue 1031",
    why="Argo CD renders again at every comparison. Where the bytes differ each time, the Application never "
    "becomes Synced, and with self-heal the pods roll for ever.",
    example=Example(
        given="a template with {{ randAlphaNum 16 }}",
        says="renders differently in another environment, order of keys or cluster",
    ),
    checkout=_check,
    slow=True,
)
