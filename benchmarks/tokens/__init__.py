"""Counts the tokens that the same work takes in four ways, with one tokenizer."""
