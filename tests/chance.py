"""Random draws for simulations; each caller brings its own seed."""

import math
import random


def poisson(chance: random.Random, mean: float) -> int:
    """A Poisson draw, from the normal distribution where that is as good."""
    if mean > 30:
        return max(0, round(chance.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, chance.random(), math.exp(-mean)
    while product > limit:
        count += 1
        product *= chance.random()
    return count
