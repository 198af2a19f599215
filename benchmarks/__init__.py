"""Measures the framework beside its peers and bare `exec`; these are never tests."""
