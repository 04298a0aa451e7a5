"""The migration engine: expand and contract on Alembic, for the Lambda, the command line and the rehearsal.

`migrate.migrate` is its door for Python, `handler` the one for CloudFormation.
"""
