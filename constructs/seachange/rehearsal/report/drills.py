"""The table of all drills, as data: what was expected of each, and what came of it."""

SCHEMA = "seachange.drills/1"
