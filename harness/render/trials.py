"""Every profile as an environment of its own, beside those of the checkout: rendered and checked, never deployed.

The ApplicationSet makes Applications of files below argocd/environments, so a profile is given such files in a view of
the checkout: a folder in the user's cache whose charts and argocd/ are links to the checkout's. Nothing is copied, and
nothing of it is where a bootstrap would deploy it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from harness.errors import UserError
from harness.model.environment import ENVIRONMENTS
from harness.model.trial import EXAMPLE, MINIMAL, Trial, profiles, trial
from harness.paths import VIEW, cache_dir
from harness.render import Rendered, render_all

_LINKED = ("charts", "argocd/bootstrap", "argocd/environment", "argocd/namespace")
KEPT = 8  # views; of a few kB each


def render_trials(repository: Path) -> tuple[Path, dict[str, Rendered]]:
    """Return the view of a checkout, and what each profile renders, by the name of its environment.

    `minimal` is left out: the environment that it is tried with is one of the checkout's own.

    Raises:
        UserError: an example or a profile is wrong, or a chart cannot be rendered with it; names the file to mend.
    """
    tried = [trial(repository, profile) for profile in profiles(repository)]
    tried = [one for one in tried if one.environment != MINIMAL]
    place = view(repository, tried)
    try:
        return place, render_all([one.environment for one in tried], place, pinned=False) if tried else {}
    except UserError as error:
        where = error.where or ""
        for one in tried:
            if where.startswith(str(ENVIRONMENTS / one.environment)):
                where = f"{example(repository, one.environment)} (the profile is tried as {one.environment})"
        raise UserError(error.message, where=where or None, fix=error.fix, details=error.details) from None


def example(repository: Path, environment: str) -> Path:
    """Return the file below the checkout that holds what is particular to a profile's environment."""
    own = EXAMPLE / f"values-{environment.removeprefix('trial-')}.yaml"
    return own if (repository / own).is_file() else EXAMPLE / "values.yaml"


def view(repository: Path, tried: list[Trial]) -> Path:
    """Return a folder that is the checkout with other environments; the same ones are written once."""
    root = repository.resolve()
    files = {path: text for one in tried for path, text in one.files.items() if text is not None}
    name = hashlib.sha256(repr((str(root), sorted(files.items()))).encode()).hexdigest()[:24]
    place = cache_dir() / "trials" / name
    if (place / VIEW).is_file():
        os.utime(place)
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=place.parent) as folder:
        made = Path(folder) / "view"
        for path in _LINKED:
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).symlink_to(root / path)
        for path, text in files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_text(text, encoding="utf-8")
        (made / VIEW).write_text(f"{root}\n", encoding="utf-8")
        try:
            made.rename(place)
        except OSError:  # another process was first: its files are the same
            if not (place / VIEW).is_file():
                raise
    for old in sorted(place.parent.iterdir(), key=_used)[:-KEPT]:
        if not old.name.startswith("new-"):
            shutil.rmtree(old, ignore_errors=True)
    return place


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
