"""The load: what depots and recipients ask, in either release's days."""

import random
from collections.abc import Mapping, Sequence
from typing import Any


def request(random: random.Random, values: Mapping[str, Sequence[Any]]) -> Mapping[str, Any]:
    """One request: most people look where their parcel is."""
    parcel = random.choice(values["parcel"])
    match random.choices(["look", "scan", "weigh", "send"], [70, 15, 5, 10])[0]:
        case "look":
            return {"name": "/parcels/{id}", "path": f"/parcels/{parcel}", "expect": [200]}
        case "scan":
            body = {"place": random.choice(["Lille", "Gent", "Köln"])}
            return {
                "name": "/parcels/{id}/scans",
                "method": "POST",
                "path": f"/parcels/{parcel}/scans",
                "body": body,
                "expect": [201],
            }
        case "weigh":
            body = {"weight_kg": random.randint(1, 30_000) / 1000}
            return {
                "name": "/parcels/{id}",
                "method": "PATCH",
                "path": f"/parcels/{parcel}",
                "body": body,
                "expect": [204],
            }
        case _:
            body = {"sender": f"sender {random.random()}", "weight_kg": random.randint(1, 30_000) / 1000}
            return {"method": "POST", "path": "/parcels", "body": body, "expect": [201]}
