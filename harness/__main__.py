"""`python -m harness` is the command `indigo`."""

from harness.cli import main

main()
