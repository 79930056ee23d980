"""Mutation test of the checks: realistic mistakes, each of which a rule has to find; and correct edits.

`make mutants` makes every one of them in a copy of the checkout and prints what found it. The corpora are the YAML
files of this folder; docs/how-to/test-the-checks.md says how to add to them.
"""
