"""The data-intensive suite: questions about daily stock prices, judged by the objects that result."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

_DATA = Path(__file__).parents[1] / "data"
_SUITE: dict[str, Any] = json.loads((_DATA / "data_intensive.json").read_text("utf-8"))
_TOLERANCE = 1e-6
_YEAR = 252  # trading days
_STORES = {"query": "queried_data", "analysis": "statistics", "viz": "chart_config"}

KINDS = tuple(_STORES)


class Stocks:
    """The tools of the suite over some bars; what they say of themselves is the suite's.

    Args:
        bars: For each symbol its daily bars: `Date`, `Open`, `High`, `Low`, `Close`, `Volume`.
    """

    def __init__(self, bars: Mapping[str, pd.DataFrame]) -> None:
        self._bars = bars

    def functions(self) -> list[Callable[..., pd.DataFrame]]:
        """The tools, bound to the bars."""
        return [getattr(self, name) for name in _SUITE["tools"]]

    def query_by_date_range(self, symbol: str, start_date: str, end_date: str) -> pd.DataFrame:
        bars = self._bars[symbol]
        return bars[bars["Date"].between(start_date, end_date)].reset_index(drop=True)

    def query_by_volume_threshold(self, symbol: str, min_volume: float) -> pd.DataFrame:
        bars = self._bars[symbol]
        return bars[bars["Volume"] > min_volume].reset_index(drop=True)

    def query_top_volume_days(self, symbol: str, n: int) -> pd.DataFrame:
        return self._bars[symbol].nlargest(n, "Volume").reset_index(drop=True)

    def query_price_change_days(self, symbol: str, min_pct_change: float) -> pd.DataFrame:
        bars = self._bars[symbol]
        change = (bars["Close"] - bars["Open"]) / bars["Open"] * 100
        return bars[change > min_pct_change].reset_index(drop=True)

    def query_last_n_days(self, symbol: str, n: int) -> pd.DataFrame:
        return self._bars[symbol].tail(n).reset_index(drop=True)

    def query_weekly_ohlc(self, symbol: str, start_date: str, end_date: str) -> pd.DataFrame:
        days = self.query_by_date_range(symbol, start_date, end_date).set_index("Date")
        how = {"Open": "first", "High": "max", "Low": "min", "Close": "last", "Volume": "sum"}
        return days.resample("W").agg(how).reset_index()

    def query_monthly_first_last(self, symbol: str, start_date: str, end_date: str) -> pd.DataFrame:
        days = self.query_by_date_range(symbol, start_date, end_date)
        months = days.groupby(days["Date"].dt.strftime("%Y-%m"), sort=True)
        first, last = months.first(), months.last()
        return pd.DataFrame(
            {
                "Month": first.index,
                "First_Date": first["Date"].to_numpy(),
                "Last_Date": last["Date"].to_numpy(),
                "First_Open": first["Open"].to_numpy(),
                "Last_Close": last["Close"].to_numpy(),
            }
        )

    def query_52week_high_days(self, symbol: str) -> pd.DataFrame:
        bars = self._bars[symbol]
        is_high = bars["High"] >= bars["High"].rolling(_YEAR).max()
        return bars.loc[is_high, ["Date", "High", "Close", "Volume"]].reset_index(drop=True)

    def query_cross_stock_condition(self, condition: str) -> pd.DataFrame:
        both = pd.merge(
            *(self._bars[each][["Date", "Close"]] for each in ("AAPL", "GOOGL")),
            on="Date",
            suffixes=("_AAPL", "_GOOGL"),
        )
        for each in ("AAPL", "GOOGL"):
            both[f"{each}_Return"] = (both[f"Close_{each}"].pct_change() * 100).round(4)
        aapl, googl = both["AAPL_Return"], both["GOOGL_Return"]
        days = {
            "aapl_up_googl_down": (aapl > 0) & (googl < 0),
            "both_down_3pct": (aapl < -3) & (googl < -3),  # as it is called
        }
        columns = ["Date", "Close_AAPL", "AAPL_Return", "Close_GOOGL", "GOOGL_Return"]
        return both.loc[days[condition], columns].reset_index(drop=True)


for _name, (_, _doc) in _SUITE["tools"].items():
    getattr(Stocks, _name).__doc__ = _doc


@dataclass(frozen=True, slots=True)
class StockTask:
    """One question.

    Attributes:
        query: What is asked for.
        cell: Code that does it.
        stores: The name that holds the result.
        expected: What is known of a right result.
    """

    query: str
    cell: str
    stores: str
    expected: Mapping[str, Any]

    def holds(self, result: Any) -> bool:
        """Whether a result is as expected."""
        return all(_FACTS[name](result, name, value) for name, value in self.expected.items())


def recorded_bars() -> dict[str, pd.DataFrame]:
    """The bars that the expected results were computed from."""
    return {
        symbol: pd.read_csv(_DATA / f"{symbol}_2020_2024.csv", parse_dates=["Date"])
        for symbol in ("AAPL", "GOOGL")
    }


def made_up_bars(rows: int) -> dict[str, pd.DataFrame]:
    """As many business days up to the end of 2023, with prices that stray at random."""
    made: dict[str, pd.DataFrame] = {}
    for seed, symbol in enumerate(("AAPL", "GOOGL")):
        chance = np.random.default_rng(seed)
        close = 100 * np.exp(np.cumsum(chance.normal(0, 0.02, rows)))
        opened = close * (1 + chance.normal(0, 0.005, rows))
        made[symbol] = pd.DataFrame(
            {
                "Date": pd.bdate_range(end="2023-12-29", periods=rows),
                "Open": opened.round(4),
                "High": (np.maximum(opened, close) * 1.01).round(4),
                "Low": (np.minimum(opened, close) * 0.99).round(4),
                "Close": close.round(4),
                "Volume": chance.integers(20_000_000, 200_000_000, rows),
            }
        )
    return made


def tasks(kind: str) -> list[StockTask]:
    """The questions of a kind, in the order in which they follow each other."""
    return [
        StockTask(
            task["query"], task["oracle_code"], _STORES[kind], _SUITE["expected"][f"q{number}"]
        )
        for number, task in enumerate(_SUITE["tasks"], start=1)
        if task["kind"] == kind
    ]


def requirements(kind: str) -> str:
    """What the suite asks of every question of a kind."""
    return next(task["requirements"] for task in _SUITE["tasks"] if task["kind"] == kind)


def variables(kind: str) -> list[tuple[str, Any, str]]:
    """Name, value, description: of what holds the results of a kind."""
    name = _STORES[kind]
    return [(name, None, _SUITE["variables"][name])]


def _is_near(found: float, expected: float) -> bool:
    return bool(np.isclose(found, expected, rtol=_TOLERANCE))


def _digest(frame: pd.DataFrame) -> str:
    ordered = frame.sort_values(frame.columns[0])
    return hashlib.md5(ordered.to_csv(index=False).encode(), usedforsecurity=False).hexdigest()


def _series(chart: Any, at: int = 0) -> Any:
    return chart["series"][at]


def _slices(chart: Any) -> list[float]:
    return [each["value"] for each in _series(chart)["data"]]


def _is_statistic(result: Any, name: str, value: float) -> bool:
    return _is_near(result[name], value)


_FACTS: dict[str, Callable[[Any, str, Any], bool]] = {
    **dict.fromkeys(
        [
            "avg_volatility",
            "correlation",
            "sharpe_ratio",
            "max_drawdown",
            "mean",
            "std",
            "min",
            "max",
            "beta",
            "anomaly_count",
            "aapl_cumulative",
            "googl_cumulative",
            "crossover_count",
        ],
        _is_statistic,
    ),
    "row_count": lambda found, _, value: len(found) == value,
    "data_hash": lambda found, _, value: _digest(found) == value,
    "month_count": lambda found, _, value: len(found) == value,
    "avg_range": lambda found, _, value: _is_near(float(np.mean(list(found.values()))), value),
    "chart_type": lambda chart, _, value: _series(chart)["type"] == value,
    "data_count": lambda chart, _, value: len(_series(chart)["data"]) == value,
    "series_count": lambda chart, _, value: len(chart["series"]) == value,
    "value_range": lambda chart, _, value: (
        value[0] <= min(_series(chart)["data"]) <= max(_series(chart)["data"]) <= value[1]
    ),
    "aapl_final": lambda chart, _, value: _is_near(_series(chart)["data"][-1], value),
    "googl_final": lambda chart, _, value: _is_near(_series(chart, 1)["data"][-1], value),
    "positive_days": lambda chart, _, value: _slices(chart)[0] == value,
    "negative_days": lambda chart, _, value: _slices(chart)[1] == value,
}
