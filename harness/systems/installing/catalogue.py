"""The recipes by the name of their system, one line each."""

from __future__ import annotations

from collections.abc import Mapping

from harness.errors import CouldNotRun, unknown_name
from harness.systems.installing.recipe import Recipe
from harness.systems.installing.recipes.etcd import ETCD
from harness.systems.installing.recipes.nacos import NACOS
from harness.systems.installing.recipes.nats import NATS
from harness.systems.installing.recipes.pysyncobj import PYSYNCOBJ
from harness.systems.installing.recipes.rabbitmq import RABBITMQ
from harness.systems.installing.recipes.redis import REDIS
from harness.systems.installing.recipes.zookeeper import ZOOKEEPER

RECIPES: Mapping[str, Recipe] = {
    recipe.system: recipe for recipe in (ETCD, ZOOKEEPER, REDIS, NATS, PYSYNCOBJ, RABBITMQ, NACOS)
}


def recipe_of(system: str) -> Recipe:
    """The recipe of a system.

    Raises:
        CouldNotRun: there is none of this name; in words, with the nearest name.
    """
    if system not in RECIPES:
        raise CouldNotRun(unknown_name("system", system, RECIPES))
    return RECIPES[system]
