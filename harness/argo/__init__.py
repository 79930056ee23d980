"""Argo CD as the harness uses it: the Git repository it follows, and its Applications."""
