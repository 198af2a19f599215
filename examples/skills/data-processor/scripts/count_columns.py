"""A program of its own: tells how often each value of a column is in a CSV file."""

import argparse
import csv
from collections import Counter
from pathlib import Path


def main() -> None:
    """Read the command line and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("column")
    options = parser.parse_args()
    with options.file.open(encoding="utf-8", newline="") as file:
        counts = Counter(row[options.column] for row in csv.DictReader(file))
    for value, count in sorted(counts.items()):
        print(f"{value}: {count}")


if __name__ == "__main__":
    main()
