"""Nobody walks past a package's front door: a `_module` is imported inside its package only."""

import grimp

_GRAPH = grimp.build_graph("cave_agent", cache_dir=None)


def _rooms(module: str) -> list[str]:
    """The packages that one must be in to import `module`: one for each private part of its name."""
    parts = module.split(".")
    return [".".join(parts[:depth]) for depth, part in enumerate(parts) if part.startswith("_")]


def _is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def test_the_rooms_of_a_module_are_the_packages_around_its_private_parts() -> None:
    assert _rooms("cave_agent.runtime._hosts._in_process") == [
        "cave_agent.runtime",
        "cave_agent.runtime._hosts",
    ]
    assert _rooms("cave_agent.errors") == []


def test_private_modules_are_imported_inside_their_package_only() -> None:
    intruders = {
        f"{importer} -> {module}"
        for importer in _GRAPH.modules
        for module in _GRAPH.find_modules_directly_imported_by(importer)
        for room in _rooms(module)
        if not _is_in(importer, room)
    }

    assert intruders == set()
