"""The tasks that agents are measured on, from `benchmarks/data`; they need no agent."""
