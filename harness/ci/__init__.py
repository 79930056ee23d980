"""What CI does beside checks and tests: chart-testing, releases, the comment, and the rules of its own workflows.

A workflow only calls make, and each of these can be called by hand: what fails in CI fails at a desk, too.
"""
