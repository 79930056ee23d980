"""Which tests are asked for, and how they may be run: from the arguments of `indigo test` and `indigo e2e`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from harness.errors import UserError
from harness.report.machine import machine
from harness.report.model import Tier

GITOPS = "tests/gitops"
TIERS = {"unit": ("tests/unit", "tests/commands"), "static": ("tests/static",), "gitops": (GITOPS,)}
"""The folders of each tier; what the command line does with charts is of the tier unit, as the rest of the harness."""
KIND = "tests/kind"
CLUSTER = "tests/cluster"
EXISTING = "tests/existing"
STORIES = {"embedded": "tests/gitops/story", "kind": KIND, "cluster": EXISTING}
"""What `indigo e2e` runs, by engine."""
# pytest's options with which tests are looked at one by one: nothing may run beside them
ALONE = ("--pdb", "--trace", "-s", "--capture=no", "--collect-only", "--co", "--fixtures", "--setup-plan")
WORKERS = ("-n", "--numprocesses", "--dist", "no:xdist")
ROOM = 8 * 2**30  # bytes of memory with which four engines at once may take up to two gibibytes each
FEWER = ("-k", "-m", "--lf", "--last-failed", "--deselect", "--ignore", "--sw", "--stepwise")


@dataclass(frozen=True)
class Part:
    """Tests that run in a process beside the others; `nice` is how far they stand back."""

    title: str
    folder: str
    arguments: tuple[str, ...]
    nice: int


QUICK = "unit and static tests"
ENGINES = "tests of engines"


@dataclass(frozen=True)
class Selection:
    """Tests to run.

    Attributes:
        quick: paths of tests that need no engine, relative to the checkout.
        engine: paths of tests that start engines.
        options: what pytest is given besides.
        whole: whether it is everything there is, so that style and types belong to it.
    """

    quick: tuple[str, ...]
    engine: tuple[str, ...]
    options: tuple[str, ...] = ()
    whole: bool = False

    @property
    def paths(self) -> tuple[str, ...]:
        """All paths."""
        return self.quick + self.engine

    @property
    def alone(self) -> bool:
        """Whether everything has to run in one process, one test after the other."""
        return any(option in ALONE for option in self.options)

    @property
    def workers(self) -> bool:
        """Whether the quick tests are worth several processes, and the user has not said anything about that."""
        said = any(option.startswith(WORKERS) for option in self.options)
        return not self.alone and not said and any(not path.partition("::")[0].endswith(".py") for path in self.quick)

    @property
    def first_failure_ends(self) -> bool:
        """Whether one failure is enough."""
        return any(option in ("-x", "--exitfirst", "--maxfail=1") for option in self.options)

    @property
    def tier(self) -> Tier:
        """The most demanding tier that is asked for, at least static."""
        for folder, tier in ((KIND, Tier.KIND), (CLUSTER, Tier.CLUSTER), (EXISTING, Tier.CLUSTER)):
            if any(path.startswith(folder) for path in self.engine):
                return tier
        return Tier.GITOPS if self.engine else Tier.STATIC

    def split(self) -> tuple[tuple[str, ...], list[Part]]:
        """Return what the pytest here is given, and the parts that run beside it.

        The story is the longest row of tests that wait for each other, and has clocks: it runs here, at once, and what
        else starts engines beside it; what needs none takes the rest of the machine.
        """
        if self.alone or not self.engine:
            return (*self._workers(), *self.paths), []
        quick = [Part(QUICK, "quick", (*self._workers(), *self.quick), nice=5)] if self.quick else []
        if GITOPS not in self.engine:
            return self.engine, quick
        story = STORIES["embedded"]
        rest = tuple(path for path in self.engine if path != story)
        roomy = ("--indigo-roomy",) if machine().memory_bytes >= ROOM else ()
        return (story, *roomy), [Part(ENGINES, "engines", (*rest, f"--ignore={story}", *roomy), nice=1), *quick]

    def _workers(self) -> tuple[str, ...]:
        return ("-n", str(machine().cores), "--dist", "loadfile") if self.workers else ()

    def tools(self) -> tuple[str, ...]:
        """Return the tools that the tests need, so that they can be built before."""
        if self.engine and self.engine != (CLUSTER,):
            more = ("kind",) if self.tier is Tier.KIND else ()
            return ("helm", "kubernetes", "argocd", "valkey-server", *more)
        return ("helm",) if any(not path.startswith("tests/unit") for path in self.paths) else ()


def select(tiers: Sequence[str], arguments: Sequence[str], root: Path) -> Selection:
    """Return what is asked for.

    Args:
        tiers: names of `TIERS`; none: all. A path among the arguments says more than they do.
        arguments: of the user, for pytest: options, and paths below tests/ (from here or from the checkout).
        root: the checkout.

    Raises:
        UserError: a path of a test that there is not.
    """
    paths: list[str] = []
    options: list[str] = []
    for before, argument in zip(("", *arguments), arguments, strict=False):
        path = "" if before in ("-k", "-m") else _path(argument, root)
        if not path and argument.startswith("tests/") and not before.startswith("-"):
            raise UserError(f"there is no {argument.partition('::')[0]}", fix="name a file or a folder below tests/")
        (paths if path else options).append(path or argument)
    asked = paths or [folder for tier in tiers or TIERS for folder in TIERS[tier]]
    if "tests" in asked:
        asked = [path for path in asked if path != "tests"] + list(chain.from_iterable(TIERS.values()))
    narrow = bool(tiers or paths) or any(option.startswith(FEWER) for option in options)
    quick = tuple(path for path in dict.fromkeys(asked) if not path.startswith((GITOPS, KIND, CLUSTER, EXISTING)))
    return Selection(
        quick, tuple(path for path in dict.fromkeys(asked) if path not in quick), tuple(options), not narrow
    )


def _path(argument: str, root: Path) -> str:
    """Return a path of a test relative to the checkout, with its `::name`; empty where the argument is none."""
    file, colons, name = argument.partition("::")
    if argument.startswith("-"):
        return ""
    for base in (Path.cwd(), root):
        path = (base / file).resolve()
        if path.exists() and path.is_relative_to(root / "tests"):
            return f"{path.relative_to(root)}{colons}{name}"
    return ""
