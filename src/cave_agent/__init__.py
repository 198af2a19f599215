"""Agents that act by writing Python into a persistent runtime of live objects."""
