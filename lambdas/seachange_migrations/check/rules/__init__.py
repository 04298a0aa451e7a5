"""The rules: one module each, named as the rule. What a rule is stands in `check.rule`."""
