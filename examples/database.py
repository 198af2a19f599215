"""A live database engine, used from within the sandbox: the connection itself stays here."""

import asyncio
import sys
import tempfile
from pathlib import Path

from model_choice import choose_model
from sqlalchemy import Engine, create_engine, text

from cave_agent import CaveAgent, PythonRuntime, Variable
from cave_agent.models import code
from cave_agent.runtime import WorkerHost

SCRIPT = (
    code(
        "rows = store.query('SELECT city, SUM(amount) FROM sales GROUP BY city')\n"
        "best = max(rows, key=lambda row: row[1])[0]\nprint(best)"
    ),
    "Lyon sold most.",
)
SALES = [
    {"city": "Oslo", "amount": 120},
    {"city": "Lyon", "amount": 200},
    {"city": "Oslo", "amount": 60},
    {"city": "Lyon", "amount": 10},
]


class Store:
    """What the code may do with the database: read it, and no more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def query(self, select: str) -> list[tuple[object, ...]]:
        """The rows of a SELECT."""
        if not select.lstrip().upper().startswith("SELECT"):
            raise ValueError("Only SELECT is allowed here.")
        with self._engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(select))]


async def main() -> None:
    """Let the agent ask a database that its process could not reach."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder, 'sales.db')}")
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE sales (city TEXT, amount INTEGER)"))
            connection.execute(text("INSERT INTO sales VALUES (:city, :amount)"), SALES)
        store = Variable(
            "store", Store(engine), "The table sales(city TEXT, amount INTEGER)", place="host"
        )
        runtime = PythonRuntime(variables=[store, Variable("best", "")], host=WorkerHost())
        async with runtime, choose_model(*SCRIPT) as model:
            agent = CaveAgent(model, runtime=runtime)
            await agent.run(
                "Which city sold most in all? Use `store.query('SELECT city, SUM(amount) …')`, and "
                "assign the name of the city alone to `best`."
            )
            print("Most was sold in", best := runtime.retrieve("best"))
            tried = await runtime.execute("store.query('DROP TABLE sales')")
            print("DROP TABLE gives:", tried.error)
            hidden = await runtime.execute("store._engine")
            print("The engine itself:", hidden.error)
        engine.dispose()

    if best != "Lyon" or tried.success or hidden.success:
        sys.exit(f"best should be 'Lyon', but is {best!r}; {tried.stdout!r}, {hidden.stdout!r}")


asyncio.run(main())
