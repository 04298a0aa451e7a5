"""The example's stacks: the customers service."""
