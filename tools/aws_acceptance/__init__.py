"""`make aws-acceptance`: tries what docs/facts/ only infers, on an AWS account of yours, and destroys all it made."""
