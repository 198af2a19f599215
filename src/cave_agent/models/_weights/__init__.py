"""Finds the weights of a local model, fetches what is missing, and checks them."""

from cave_agent.models._weights._files import Progress, Report
from cave_agent.models._weights._find import QWEN_CODER, find_weights

__all__ = ["QWEN_CODER", "Progress", "Report", "find_weights"]
