"""Images are the contract's or those that the site's values name, and never a tag that moves by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.checks.model import Example, Platform, Problem, Rule
from harness.checks.pods import ROLE, WAIT_FOR, Container
from harness.model.contract import Contract
from harness.model.images import WAIT, chosen, shared_reference

_MOVING = {
    "", "latest", "stable", "main", "master", "develop", "development", "dev", "edge", "nightly", "unstable", "testing",
    "rolling", "lts", "current", "snapshot",
}  # fmt: skip
# host (with a port) or not, path, tag, digest; a colon in the path would be another tag
_REFERENCE = re.compile(
    r"^(?P<name>(?:[\w.-]+(?::[0-9]+)?/)?[^@:\s]+)(?::(?P<tag>[\w][\w.-]*))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)
_WRITE = "write the name alone into image.repository, the version into image.tag"


def _check(platform: Platform) -> Iterator[Problem]:
    for pod in platform.pods:
        contract = platform.contracts.get(pod.component)
        for container in pod.containers:
            image = str(container.data.get("image", ""))
            path = f"{container.path}.image"
            parsed = _REFERENCE.match(image)
            if parsed is None:
                yield Problem(pod.owner, path, f"{image or 'no image'} is no reference of an image", _WRITE)
            elif not parsed["digest"] and (parsed["tag"] or "").lower() in _MOVING:
                yield Problem(pod.owner, path, f"{image} is a tag that moves", "name a version, or pin the digest")
            elif contract is not None:
                expected = _expected(platform, contract, container, pod.labels.get(ROLE, ""))
                if image not in expected:
                    yield Problem(pod.owner, path, f"is {image}, contract and values say {' or '.join(expected)}")


def _expected(platform: Platform, contract: Contract, container: Container, role: str) -> list[str]:
    """Return what a container may run: one image, but for init containers of a wiring, which may name a shared one."""
    registry = str(platform.section("images").get("registry") or "")
    shared = {name: shared_reference(image).at(registry).text for name, image in platform.images.items()}
    if container.init and container.name.startswith(WAIT_FOR):
        return [shared[WAIT]]
    if not container.init and role in contract.jobs and contract.jobs[role].image:
        return [shared[contract.jobs[role].image]]
    own = chosen(contract, platform.values).at(registry).text
    return [own, *(text for name, text in shared.items() if name != WAIT)] if container.init else [own]


RULE = Rule(
    id="contract-image",
    title="Images are those of contract and values, and no tag moves by itself",
    fix="write the image into the component's contract.yaml, or image.* into the environment's values",
    source="charts/<component>/contract.yaml, image; docs/explanation/architecture.md, Values",
    why="A tag that moves makes two pods of one revision run different software, and a rollback that brings "
    "nothing back; an image past the contract has never been looked at.",
    example=Example(
        given="image: mariadb:latest",
        says="mariadb:latest is a tag that moves",
    ),
    environment=_check,
)
