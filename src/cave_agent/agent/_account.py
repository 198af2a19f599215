"""What a run and the runs within it have used, beside what each may use; it stops nothing itself."""

import asyncio
import math
from collections.abc import Iterator
from decimal import Decimal

from anyio import to_thread

from cave_agent.agent._budget import (
    CHARACTERS_A_TOKEN,
    Budget,
    estimate_prompt,
    prices,
)
from cave_agent.agent._response import ExecutionStatus
from cave_agent.models import Model, TokenUsage, WireMessages


class Account:
    """The bounds of a run, and what it and the runs within it have used.

    Args:
        budget: The bounds.
        holder: Whose they are, for messages.
        outer: That of the run around this one, which pays for this one, too.

    Attributes:
        usage: What model calls have used that have ended.
        deadline: When the run must have ended, by the event loop's clock.
        bounded: Those of this account and the ones around it that have a bound on use.
    """

    def __init__(self, budget: Budget, holder: str, outer: "Account | None" = None) -> None:
        self.budget = budget
        self.holder = holder
        self.outer = outer
        self.usage = TokenUsage()
        seconds = budget.max_seconds
        now = asyncio.get_running_loop().time()
        self.deadline = math.inf if seconds is None else now + seconds
        self.bounded: tuple[Account, ...] = () if outer is None else outer.bounded
        if budget.max_tokens is not None or budget.max_cost is not None:
            self.bounded = (self, *self.bounded)
        self._characters = 0  # of model calls that are under way, prompts included
        self._dollars = Decimal()

    def and_around(self) -> "Iterator[Account]":
        """This account, then those of the runs around it."""
        account: Account | None = self
        while account is not None:
            yield account
            account = account.outer

    def tightest(self, bound: str) -> "Account":
        """Of the accounts that have this bound, the one with the least left."""
        bounded = [each for each in self.and_around() if getattr(each.budget, bound) is not None]
        return min(bounded, key=lambda each: each.left(bound))

    def left(self, bound: str) -> float:
        """How much of it is left, or for a time when it ends."""
        budget, used = self.budget, self.usage
        if bound == "max_tokens" and budget.max_tokens is not None:
            return budget.max_tokens - used.total_tokens
        if bound == "max_cost" and budget.max_cost is not None:
            return float(budget.max_cost - (used.cost or 0))
        return self.deadline

    async def check(self, model: Model) -> None:
        """Refuse a model whose price is unknown, if a cost is bounded here or around.

        Raises:
            UnknownPriceError: It is.
        """
        for account in self.bounded:
            if account.budget.max_cost is not None:  # prices may have to be loaded first
                await to_thread.run_sync(account.budget.check, model)

    def spend(self, usage: TokenUsage) -> None:
        """Add what a model call used, here and around."""
        account: Account | None = self
        while account is not None:
            used = account.usage
            account.usage = used + usage if used.total_tokens else usage
            account = account.outer

    def note(self, characters: int, dollars: Decimal) -> ExecutionStatus | None:
        """Count what a call that is under way takes; gives the bound that is passed, if one is."""
        self._characters += characters
        self._dollars += dollars
        budget, used = self.budget, self.usage
        if budget.max_tokens is not None:
            left = budget.max_tokens - used.total_tokens
            if self._characters > left * CHARACTERS_A_TOKEN:
                return ExecutionStatus.MAX_TOKENS_REACHED
        if budget.max_cost is not None:
            is_unknown = used.cost is None and used.total_tokens > 0
            if is_unknown or self._dollars > budget.max_cost - (used.cost or 0):
                return ExecutionStatus.MAX_COST_REACHED
        return None


class Tab:
    """One model call, in the accounts that bound it.

    Args:
        accounts: Those.
        model: What is asked.
        asked: The messages.

    Attributes:
        reached: The bound that is passed, if one is: at first because there is not even room for
            the shortest reply.
    """

    __slots__ = ("_accounts", "_length", "_noted", "_owed", "_price", "reached")

    def __init__(self, accounts: tuple[Account, ...], model: Model, asked: WireMessages) -> None:
        self._accounts = accounts
        self._length, self._noted = 1, 0
        self._owed = self._price = Decimal()
        self.reached: ExecutionStatus | None = None
        prompt, reading = estimate_prompt(asked), Decimal()
        if any(account.budget.max_cost is not None for account in accounts):
            reading, self._price = prices(model, prompt)
        self._note(prompt * CHARACTERS_A_TOKEN + 1, reading + self._price)

    def hear(self, length: int) -> ExecutionStatus | None:
        """Count a reply that is so many characters long by now; gives the bound that is passed."""
        grown, self._length = length - self._length, length
        self._note(grown, grown * self._price)
        return self.reached

    def close(self) -> None:
        """The call has ended, and what it used is known instead of guessed."""
        for each in self._accounts:
            each.note(-self._noted, -self._owed)

    def _note(self, characters: int, dollars: Decimal) -> None:
        self._noted += characters
        self._owed += dollars
        bounds = [account.note(characters, dollars) for account in self._accounts]
        self.reached = next((bound for bound in bounds if bound is not None), None)
