"""How likely, how soon and at what cost an alarm set catches a bad release: Monte Carlo over `seachange.evaluation`."""
