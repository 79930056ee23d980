"""Images are the contract's or those that the site's values name, and never a tag that moves by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.checks.model import Platform, Problem, Rule
from harness.checks.pods import Container
from harness.model.contract import Contract

WAIT = ("busybox", "1.36")  # charts/common/templates/_platform.tpl, common.image.wait
_MOVING = {
    "", "latest", "stable", "main", "master", "develop", "development", "dev", "edge", "nightly", "unstable", "testing",
    "rolling", "lts", "current", "snapshot",
}  # fmt: skip
_REFERENCE = re.compile(r"^(?P<name>[^@]+?)(?::(?P<tag>[\w][\w.-]*))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$")


def _check(platform: Platform) -> Iterator[Problem]:
    for pod in platform.pods:
        contract = platform.contracts.get(pod.component)
        for container in pod.containers:
            image = str(container.data.get("image", ""))
            path = f"{container.path}.image"
            parsed = _REFERENCE.match(image)
            if parsed is None or (not parsed["digest"] and (parsed["tag"] or "").lower() in _MOVING):
                yield Problem(
                    pod.owner, path, f"{image or 'no image'} is a tag that moves", "name a version, or pin the digest"
                )
            elif contract is not None:
                expected = _expected(platform, contract, container)
                if image != expected:
                    yield Problem(pod.owner, path, f"is {image}, contract and values say {expected}")


def _expected(platform: Platform, contract: Contract, container: Container) -> str:
    registry = str(platform.section("images").get("registry") or "")
    if container.init and container.name != contract.component:
        return _reference(registry, *WAIT, "")
    values: Any = platform.values.get(contract.component)
    own: Mapping[str, Any] = (values or {}).get("image") or {} if isinstance(values, Mapping) else {}
    replaced = own.get("repository") or own.get("tag")
    digest = own.get("digest") or ("" if replaced else contract.image.digest) or ""
    return _reference(
        registry, own.get("repository") or contract.image.repository, own.get("tag") or contract.image.tag, digest
    )


def _reference(registry: str, repository: str, tag: str, digest: str) -> str:
    """Return an image's full name; a registry of the site takes the place of the image's own."""
    if registry:
        first, slash, rest = repository.partition("/")
        repository = f"{registry.rstrip('/')}/{rest if slash and ('.' in first or ':' in first) else repository}"
    return f"{repository}:{tag}@{digest}" if digest else f"{repository}:{tag}"


RULE = Rule(
    id="contract-image",
    title="Images are those of contract and values, and no tag moves by itself",
    fix="write the image into the component's contract.yaml, or image.* into the environment's values",
    source="charts/<component>/contract.yaml, image; docs/explanation/architecture.md, Values",
    environment=_check,
)
