"""Sessions that are played in a process of their own, with the framework that is installed there."""
