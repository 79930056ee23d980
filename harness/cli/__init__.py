"""The command `indigo`: one module per group of subcommands, imported only when it is called."""

from __future__ import annotations

import importlib
import sys

import click

from harness import __version__
from harness.console import err, show_error
from harness.errors import UserError

# name -> (module below harness.cli, attribute, one line for `indigo --help`), in the order of a developer's day
COMMANDS: dict[str, tuple[str, str, str]] = {
    "check": ("check", "check", "Render every environment and check it; nothing is deployed."),
    "explain": ("explain", "explain", "Say what a rule of the check holds, why, and how to mend what it refuses."),
    "diff": ("diff", "diff", "Say what a change does to every environment, and what that means for what runs."),
    "render": ("render", "render", "Print what Argo CD would apply for an environment."),
    "e2e": ("suite", "e2e", "Deploy the working tree through a real Argo CD and assert that it behaves."),
    "test": ("suite", "test", "Run all tests that need no container engine."),
    "smoke": ("suite", "smoke", "Test a platform that runs somewhere against what this checkout renders for it."),
    "up": ("engine", "up", "Keep an engine running for a developer's day."),
    "deploy": ("deploy", "deploy", "Bring the working tree to the running engine, and wait until it is healthy."),
    "down": ("engine", "down", "Stop it and remove everything it made."),
    "status": ("engine", "status", "What runs now, and where its logs are."),
    "kubeconfig": ("engine", "kubeconfig", "Print the path of a running engine's kubeconfig."),
    "why": ("why", "why", "Say what keeps a sync from converging, and what waits for it."),
    "drill": ("drill", "drill", "Break something on purpose and see whether what was said of it is true."),
    "trace": ("trace", "trace", "Say which file, value and commit put an object there."),
    "bootstrap": ("bootstrap", "bootstrap", "Print the objects an operator applies once to a cluster with Argo CD."),
    "promote": ("promote", "promote", "Let an environment run the commit of the one before it; one file changes."),
    "secrets": ("secrets", "secrets", "Plan, create and verify the Secrets that the contracts ask for."),
    "images": ("images", "images", "List every container image; bring them to a registry of your own."),
    "graph": ("graph", "graph", "Show the dependency graph: waves, edges, who waits for whom."),
    "generate": ("generate", "generate", "Write the files that are derived from the contracts."),
    "ci": ("ci", "ci", "What CI does beside checks and tests: chart-testing, releases, rules of workflows."),
    "bench": ("bench", "bench", "Measure the phases against their budgets and the bare tools."),
    "tools": ("tools", "tools", "Build, list and locate the pinned tools (Helm, Argo CD, Kubernetes, ...)."),
}


class LazyGroup(click.Group):
    """A group whose subcommands are imported when asked for, so that `indigo --help` answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one subcommand, or None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(f"harness.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of subcommands from the table, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="indigo")
def cli() -> None:
    """Render, check, deploy and operate INDIGO PaaS on Kubernetes.

    \b
    A first look:
      indigo check                 every environment rendered and checked, in seconds
      indigo e2e                   the whole story through a real Argo CD, no Docker needed
      indigo up && indigo deploy   keep a control plane with Argo CD for the day, and your working tree on it

    Every command has --help with examples. Exit status: 0 all well, 1 findings or failed assertions,
    2 wrong input (the message names file, key and fix), 130 interrupted.
    """


def main() -> None:
    """Run the command line; turn a UserError into three lines and status 2, an interrupt into status 130."""
    try:
        cli.main(standalone_mode=False)
    except UserError as error:
        show_error(error)
        sys.exit(2)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        err.print("interrupted; nothing is left running")
        sys.exit(130)
