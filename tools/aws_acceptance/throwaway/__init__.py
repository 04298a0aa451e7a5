"""The throwaway app: three small stacks made of this library's constructs."""
