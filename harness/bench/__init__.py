"""Measures the project against its budgets and against the bare tools on the same input.

Absolute seconds depend on the machine; what a change made slower shows in the ratios, whose two sides are measured in
turn in one run. Medians of several runs throughout.
"""
