"""The classes of the stateful suite's group `object_types`."""

from typing import Any


class Person:
    def __init__(self, name: str = "", age: int = 0, city: str = "") -> None:
        self.name = name
        self.age = age
        self.city = city

    def introduce(self) -> str:
        """Introduce the person."""
        return f"Hi, I'm {self.name}, {self.age} years old from {self.city}."

    def have_birthday(self) -> None:
        """Increment the age of the person by 1."""
        self.age += 1


class BankAccount:
    def __init__(self, balance: float = 0.0) -> None:
        self.balance = balance
        self.transactions: list[str] = []

    def deposit(self, amount: float) -> None:
        """Deposit an amount into the bank account."""
        self.balance += amount
        self.transactions.append(f"+{amount:g}")

    def withdraw(self, amount: float) -> None:
        """Withdraw an amount from the bank account."""
        self.balance -= amount
        self.transactions.append(f"-{amount:g}")

    def apply_interest(self, rate: float) -> None:
        """Apply interest to the bank account."""
        self.balance *= 1 + rate


class ShoppingCart:
    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def add_item(self, item: dict[str, Any]) -> None:
        """Add an item to the shopping cart."""
        self.items.append(item)

    def remove_item(self, name: str) -> None:
        """Remove an item from the shopping cart."""
        self.items = [item for item in self.items if item["name"] != name]

    def get_total(self) -> float:
        """Get the total price of the shopping cart."""
        return sum(item["price"] * item.get("quantity", 1) for item in self.items)

    def clear(self) -> None:
        """Clear the shopping cart."""
        self.items = []


class Counter:
    def __init__(self, value: int = 0) -> None:
        """Initialize the counter with a value."""
        self.value = value

    def increment(self) -> None:
        """Increment the value of the counter by 1."""
        self.value += 1

    def decrement(self) -> None:
        """Decrement the value of the counter by 1."""
        self.value -= 1

    def add(self, n: int) -> None:
        """Add a number to the value of the counter."""
        self.value += n

    def reset(self) -> None:
        """Reset the value of the counter to 0."""
        self.value = 0


class Stack:
    def __init__(self) -> None:
        """Initialize the stack."""
        self._items: list[Any] = []

    def push(self, item: Any) -> None:
        """Push an item onto the stack."""
        self._items.append(item)

    def pop(self) -> Any:
        """Pop an item from the stack."""
        return self._items.pop()

    def peek(self) -> Any:
        """Peek at the top item of the stack."""
        return self._items[-1]

    def size(self) -> int:
        """Get the size of the stack."""
        return len(self._items)


CLASSES: tuple[type, ...] = (Person, BankAccount, ShoppingCart, Counter, Stack)
