"""The cells that are timed."""

FOUR_LINES = """\
prices = [3.5, 8.25, 5.0]
total = sum(prices)
average = total / len(prices)
average
"""

FORTY_LINES = """\
import math
from collections import Counter, defaultdict

orders = [
    {"id": 1, "who": "ada", "items": ["tea", "milk"], "sum": 7.5},
    {"id": 2, "who": "bob", "items": ["tea"], "sum": 3.0},
    {"id": 3, "who": "ada", "items": ["bread", "jam", "tea"], "sum": 11.25},
    {"id": 4, "who": "eve", "items": [], "sum": 0.0},
]


def mean(values):
    values = list(values)
    if not values:
        return math.nan
    return sum(values) / len(values)


def describe(order):
    items = ", ".join(order["items"]) or "nothing"
    return f"{order['who']} bought {items} for {order['sum']:.2f}"


by_customer = defaultdict(list)
for order in orders:
    by_customer[order["who"]].append(order["sum"])

popular = Counter(item for order in orders for item in order["items"])
means = {who: mean(sums) for who, sums in by_customer.items()}
best = max(means, key=means.get)
lines = [describe(order) for order in orders if order["items"]]

try:
    share = popular["tea"] / sum(popular.values())
except ZeroDivisionError:
    share = 0.0

report = {"best": best, "share": round(share, 3), "lines": len(lines)}
summary = f"{best} spends most, tea is {share:.0%} of what is bought"
(report, summary)
"""

BUSY = """\
def count(most):
    total = 0
    for number in range(most):
        total += number % 7
    return total


total = count(350_000)
"""
