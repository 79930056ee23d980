"""The command line teaches itself: every subcommand can be imported, has a help with examples, and a clear refusal."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from harness.cli import COMMANDS, cli


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_subcommand_has_a_help_with_examples(name: str) -> None:
    answer = CliRunner().invoke(cli, [name, "--help"])
    assert answer.exit_code == 0, answer.output
    assert "Example" in answer.output, f"indigo {name} --help shows no example"
    assert f"indigo {name}" in answer.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    top = command(name)
    for sub in [top, *(top.commands.values() if isinstance(top, click.Group) else ())]:
        for parameter in sub.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"indigo {name}: {parameter.opts[0]} has no help"


def test_the_list_of_commands_imports_none_of_them() -> None:
    answer = CliRunner().invoke(cli, ["--help"])
    assert all(name in answer.output for name in COMMANDS)


def test_an_unknown_command_is_refused_with_what_there_is() -> None:
    answer = CliRunner().invoke(cli, ["nonsense"])
    assert answer.exit_code == 2
    assert "No such command 'nonsense'" in answer.output
