"""Puts the model behind the Lambda's doors: its clients, its clock."""

import contextlib
import dataclasses
import importlib
import logging
import pkgutil
import time
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import seachange_deployments
from seachange_deployments import handler, observe
from tests.model.clients import Client

if TYPE_CHECKING:
    from tests.model.world import World

# hook and smoke are another Lambda's.
_OTHERS = {"hook", "smoke", "steps"}


def _modules() -> list[ModuleType]:
    names = [one.name for one in pkgutil.iter_modules(seachange_deployments.__path__) if one.name not in _OTHERS]
    return [importlib.import_module(f"seachange_deployments.{name}") for name in names]


_MODULES = _modules()


def clients(world: "World", answers: dict[str, object]) -> observe.Clients:
    """Clients for every service that the Lambda connects to."""
    names = [one.name for one in dataclasses.fields(observe.Clients)]
    made: Any = {name: Client(world, name, answers.get(name)) for name in names}
    return observe.Clients(**made)


@contextlib.contextmanager
def opened(world: "World") -> Iterator[None]:
    """The Lambda's code sees this world: no module of it reads the real time or reaches AWS."""
    clock = SimpleNamespace(time=lambda: world.clock.now, monotonic=lambda: world.clock.now, sleep=world.clock.sleep)
    undo: list[tuple[Any, Any, Any]] = []
    for module in _MODULES:
        for name, value in list(vars(module).items()):
            if value is time:
                undo.append((module, name, value))
                setattr(module, name, clock)
    connect = observe.Clients.__dict__["connect"]
    observe.Clients.connect = classmethod(lambda _: world.clients)  # type: ignore[method-assign,assignment]
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)
        observe.Clients.connect = connect  # type: ignore[method-assign]
        for module, name, value in undo:
            setattr(module, name, value)


def on_event(event: dict[str, Any]) -> dict[str, Any]:
    """The first door."""
    return handler.on_event(event, None)


def is_complete(event: dict[str, Any]) -> dict[str, Any]:
    """The second door."""
    return handler.is_complete(event, None)
