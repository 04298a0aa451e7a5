"""The engine behind a stack: the custom resource, the state machine that takes over from it, the workers of both, and what they ask AWS."""
