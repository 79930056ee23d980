"""Brings images to a site's own registry: a plan of copies, and carrying it out with skopeo or crane.

Nothing here holds credentials: the tools use their own log-in (`skopeo login`, `crane auth login`).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from harness.errors import UserError
from harness.model.images import Listed
from harness.process import ProcessError, ProcessTimeout, run

REGISTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._/-]+[a-z0-9]+)*)?")
SECONDS = 1800.0
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Tool:
    """A program that copies images between registries.

    Attributes:
        name: of the program.
        copy: its arguments to copy from one name to another, all platforms, digests kept.
        digest: its arguments to ask for the digest of a name.
    """

    name: str
    copy: Callable[[str, str], list[str]]
    digest: Callable[[str], list[str]]


# containers/skopeo docs/skopeo-copy.1.md (--all, --preserve-digests), docs/skopeo-inspect.1.md (--format)
SKOPEO = Tool(
    "skopeo",
    lambda source, target: ["copy", "--all", "--preserve-digests", f"docker://{source}", f"docker://{target}"],
    lambda name: ["inspect", "--no-tags", "--format", "{{.Digest}}", f"docker://{name}"],
)
# google/go-containerregistry cmd/crane/doc/crane_copy.md, crane_digest.md
CRANE = Tool("crane", lambda source, target: ["copy", source, target], lambda name: ["digest", name])
TOOLS = {tool.name: tool for tool in (SKOPEO, CRANE)}


@dataclass(frozen=True)
class Copy:
    """One image to be copied.

    Attributes:
        image: as it is listed.
        source: what is read: by digest where that is known, else by tag.
        target: what is written; nodes pull exactly this name once `global.images.registry` is set.
    """

    image: Listed
    source: str
    target: str

    def command(self, tool: Tool) -> list[str]:
        """Return the command that copies it."""
        return [tool.name, *tool.copy(self.source, self.target)]


@dataclass(frozen=True)
class Copied:
    """What was copied, and the digest that the site's registry gives it."""

    copy: Copy
    digest: str


def plan(images: Iterable[Listed], registry: str) -> list[Copy]:
    """Return what has to be copied so that a registry serves these images.

    Args:
        images: what is run.
        registry: host, port and path of the site's registry, without a scheme.

    Raises:
        UserError: the registry is not written as a host, or two images would be written to one name.
    """
    if not REGISTRY.fullmatch(registry):
        raise UserError(
            f"{registry!r} is not the name of a registry",
            where="--registry",
            fix="write host, port and path without a scheme or a slash at the end: registry.example.org:5000/indigo",
        )
    copies: dict[str, Copy] = {}
    for listed in images:
        source, moved = listed.reference, listed.reference.at(registry)
        target = f"{moved.repository}:{moved.tag}"
        full = f"{source.full}@{source.digest}" if source.digest else f"{source.full}:{source.tag}"
        other = copies.get(target)
        if other is not None and other.source != full:
            raise UserError(
                f"{other.source} and {full} would both be {target}",
                where="charts/*/contract.yaml, image",
                fix="name one of them in the environment's values (<component>.image.repository) and mirror it by hand",
            )
        copies[target] = Copy(listed, full, target)
    return [copies[target] for target in sorted(copies)]


def carry_out(copies: Iterable[Copy], tool: Tool) -> Iterator[Copied]:
    """Copy one image after the other and yield each with the digest that the target then has.

    Raises:
        UserError: the tool is not on PATH, fails, or tells another digest than the list has.
    """
    if shutil.which(tool.name) is None:
        others = [name for name in TOOLS if name != tool.name and shutil.which(name)]
        raise UserError(
            f"{tool.name} is not on PATH",
            fix=f"install it, or use what is there: --tool {others[0]}" if others else "install skopeo or crane",
        )
    for copy in copies:
        _run(copy.command(tool), copy)
        answer = _run([tool.name, *tool.digest(copy.target)], copy).strip()
        wanted = copy.image.reference.digest
        if not _DIGEST.fullmatch(answer) or wanted not in ("", answer):
            raise UserError(
                f"{copy.target} has the digest {answer or 'of nothing'}" + (f", not {wanted}" if wanted else ""),
                fix="look at the target registry; an image that was changed on the way must not be deployed",
            )
        yield Copied(copy, answer)


def _run(command: list[str], copy: Copy) -> str:
    try:
        return run(*command, timeout=SECONDS).stdout
    except (ProcessError, ProcessTimeout) as error:
        raise UserError(
            f"{command[0]} cannot bring {copy.source} to {copy.target}",
            fix=f"log in to both registries ({command[0]} login ...), see that the tag exists, and run it again",
            details=str(error),
        ) from None


def values(registry: str, copied: Iterable[Copied] = ()) -> dict[str, object]:
    """Return the values of an environment that make it use the registry, and pin what was copied.

    Images that the contracts do not pin are pinned per component by `<component>.image.digest`; shared ones are not.
    """
    result: dict[str, object] = {"global": {"images": {"registry": registry}}}
    for done in copied:
        listed = done.copy.image
        if not listed.reference.digest and not listed.shared:
            result |= {name: {"image": {"digest": done.digest}} for name in listed.used_by}
    return result
