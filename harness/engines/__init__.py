"""Engines: what a tier of tests runs on, and the keeper that never lets one outlive its user."""
