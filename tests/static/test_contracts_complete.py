"""Contracts are complete: each trap has a test named after it, each setting can be set or says why it is left alone."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Iterator

import pytest

from harness.generate.schema import settable
from harness.model.contract import Contract, Setting
from harness.model.load import load_contracts
from harness.paths import repository

# those of instances are the same once more
CONTRACTS = {name: item for name, item in load_contracts(repository() / "charts").items() if item.chart == name}
# tests that several components share: module -> components
SHARED = {"processors": ("dataset-collector", "provider-selector", "template-parser")}
each = pytest.mark.parametrize("component", CONTRACTS)


def named_tests(component: str) -> set[str]:
    """Return the names of the tests of a component, those that it shares with others among them."""
    modules = [component.replace("-", "_"), *(name for name, users in SHARED.items() if component in users)]
    return {
        name
        for module in modules
        for name in vars(importlib.import_module(f"tests.static.test_{module}"))
        if name.startswith("test_")
    }


def untested(contract: Contract, tests: Iterable[str]) -> list[str]:
    """Return the traps of which no test's name begins with the id."""
    names = list(tests)
    wanted = {trap.id: f"test_{trap.id.replace('-', '_')}" for trap in contract.traps}
    return [
        trap for trap, begin in wanted.items() if not any(re.match(rf"{begin}(_|$)", name) for name in names)
    ]  # fmt: skip


def unreached(settings: dict[str, Setting], templates: str) -> Iterator[str]:
    """Yield the settings that nobody can set: neither left alone with a reason, nor wired, nor open to the site."""
    for name, setting in settings.items():
        if setting.unset:
            continue
        if settable(name, setting):
            # variables of the site reach the pod by common.env; keys of a file only where the wiring asks for them
            if setting.where != "env" and not _asked_for(setting.where, templates):
                yield f"{name}: is in {setting.where}, for which the wiring does not ask common.settings.of"
        elif not any(part in templates for part in _parts(name)):
            yield f"{name}: a site may not set it, and the wiring does not"


def _asked_for(file: str, templates: str) -> bool:
    """Whether a wiring asks for the site's settings of a file, by its name or by a variable that holds it."""
    named = re.findall(rf'(\$\w+) := "{re.escape(file)}"', templates)
    return any(f'"where" {name}' in templates for name in (f'"{file}"', *named))


def _parts(name: str) -> Iterator[str]:
    """Yield what of a name must stand in a template: its last step, also without a prefix that a loop may add."""
    last = [step for step in name.replace("*", "").split(".") if step][-1].strip("_")
    yield last
    if "_" in last:
        yield "_" + last.partition("_")[2]


def templates_of(component: str) -> str:
    folder = repository() / "charts" / component / "templates"
    return "".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*")))


@each
def test_every_trap_has_a_test_named_after_it(component: str) -> None:
    assert untested(CONTRACTS[component], named_tests(component)) == []


@each
def test_every_setting_can_be_set_or_says_why_not(component: str) -> None:
    assert list(unreached(CONTRACTS[component].settings, templates_of(component))) == []


def test_a_trap_without_a_test_is_found() -> None:
    contract = CONTRACTS["valkey"]
    assert untested(contract, ["test_password_not_in_arguments_of_the_client"]) == ["shell-swallows-sigterm"]
    assert untested(contract, ["test_password", "test_shell_swallows_sigterms"]) == [trap.id for trap in contract.traps]


def test_a_setting_that_nobody_can_set_is_found() -> None:
    source = {"meaning": "A setting of a test.", "source": "a test"}
    settings = {
        "LEVEL": Setting.model_validate(source),
        "DB_PASSWORD": Setting.model_validate(source | {"secret": True}),
        "clients.*.secret": Setting.model_validate(source | {"secret": True, "where": "/etc/app.yml"}),
        "depth": Setting.model_validate(source | {"where": "/etc/app.yml"}),
        "colour": Setting.model_validate(source | {"where": "/etc/app.yml", "unset": "The default is right."}),
    }
    assert [problem.partition(":")[0] for problem in unreached(settings, "")] == [
        "DB_PASSWORD", "clients.*.secret", "depth",
    ]  # fmt: skip
    wired = 'include "common.settings.of" (dict "x" . "where" "/etc/app.yml") {{ $prefix }}_PASSWORD: secret: x'
    assert list(unreached(settings, wired)) == []


@each
def test_every_fact_has_a_source_and_no_name_is_both_read_and_not(component: str) -> None:
    contract = CONTRACTS[component]
    assert not set(contract.ignored) & set(contract.settings)
    for name, setting in contract.settings.items():
        assert len(setting.source) > 5, name
        assert setting.source.strip().lower() not in ("unknown", "guess", "tbd"), name
    for name, reason in contract.ignored.items():
        assert reason.endswith("."), name
