"""The stateful suite, played with the embedded model by each contender."""
