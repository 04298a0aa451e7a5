"""Structured address: the columns of release v2, and the trigger that keeps both forms in step

Revises: 0001

The conversion loses nothing: an address that reads `street, city, ST, zip` becomes those four parts; any other string,
the empty one too, goes whole into street_address; backward joins the parts with ', '. There is at most one parse, as
neither city nor state nor zip may hold a comma. Parts neither begin nor end with a space, so that whatever v2
answers, it also accepts. In PostgreSQL's regular expressions `.` matches a newline and `$` only the very end.

No name or operator below depends on the writer's search_path, and no conversion that fails fails the writer.
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

REPAIR_TABLE = """
CREATE TABLE public.customers_address_repair (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id bigint,
    original text,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
)
"""

# Writers have no right to the table: the function runs as its owner. It cannot raise: what it cannot record it logs.
# Everybody may execute it and the conversions, for a revision does not know the roles that write customers.
REPAIR = """
CREATE FUNCTION public.customers_address_to_repair(customer_id bigint, original text, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.customers_address_repair (customer_id, original, reason) VALUES ($1, $2, $3);
EXCEPTION WHEN OTHERS THEN
    RAISE WARNING 'customer %: address not recorded for repair: %', $1, SQLERRM;
END
$$
"""

GRANTS = (
    "GRANT EXECUTE ON FUNCTION public.customers_address_forward(text) TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION public.customers_address_backward(text, text, text, text) TO PUBLIC",
    "GRANT EXECUTE ON FUNCTION public.customers_address_to_repair(bigint, text, text) TO PUBLIC",
)

# Rows are compared by image (`*<>`), which needs no operator of the columns' types. Which release wrote is told by what
# changed; where both sides changed, the new one wins and the other's value goes to repair.
SYNC = """
CREATE FUNCTION public.customers_address_sync() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    address_written pg_catalog.bool;
    parts_written pg_catalog.bool;
    parts pg_catalog.record;
    joined pg_catalog.text;
BEGIN
    IF pg_catalog.current_setting('seachange.sync', true) OPERATOR(pg_catalog.=) 'off' THEN
        RETURN NEW;  -- the backfill, which writes both sides right
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        address_written := NEW.address IS NOT NULL;
        parts_written := pg_catalog.num_nonnulls(NEW.street_address, NEW.city, NEW.state, NEW.zip_code)
            OPERATOR(pg_catalog.>) 0;
    ELSE
        address_written := ROW(OLD.address)::pg_catalog.record
            OPERATOR(pg_catalog.*<>) ROW(NEW.address)::pg_catalog.record;
        parts_written := ROW(OLD.street_address, OLD.city, OLD.state, OLD.zip_code)::pg_catalog.record
            OPERATOR(pg_catalog.*<>) ROW(NEW.street_address, NEW.city, NEW.state, NEW.zip_code)::pg_catalog.record;
    END IF;

    IF parts_written THEN
        BEGIN
            joined := public.customers_address_backward(NEW.street_address, NEW.city, NEW.state, NEW.zip_code);
            IF address_written THEN
                IF ROW(NEW.address)::pg_catalog.record OPERATOR(pg_catalog.*<>) ROW(joined)::pg_catalog.record THEN
                    PERFORM public.customers_address_to_repair(
                        NEW.id, NEW.address, 'both forms were written and disagree; the structured one was kept');
                END IF;
            ELSIF TG_OP OPERATOR(pg_catalog.=) 'UPDATE' THEN
                IF public.customers_address_forward(OLD.address) OPERATOR(pg_catalog.*<>)
                    ROW(OLD.street_address, OLD.city, OLD.state, OLD.zip_code)::pg_catalog.record THEN
                    PERFORM public.customers_address_to_repair(
                        NEW.id, OLD.address, 'overwritten from parts that were not in step with it');
                END IF;
            END IF;
            IF public.customers_address_forward(joined) OPERATOR(pg_catalog.*<>)
                ROW(NEW.street_address, NEW.city, NEW.state, NEW.zip_code)::pg_catalog.record THEN
                PERFORM public.customers_address_to_repair(
                    NEW.id, joined, 'the parts cannot be told from the joined address again');
            END IF;
            NEW.address := joined;
        EXCEPTION WHEN OTHERS THEN
            PERFORM public.customers_address_to_repair(NEW.id, NEW.address, SQLERRM);
        END;
    ELSIF address_written THEN
        BEGIN
            parts := public.customers_address_forward(NEW.address);
            NEW.street_address := parts.street_address;
            NEW.city := parts.city;
            NEW.state := parts.state;
            NEW.zip_code := parts.zip_code;
        EXCEPTION WHEN OTHERS THEN
            -- Unparsed is not lost: green reads the whole address, never the parts of an older one.
            NEW.street_address := NEW.address;
            NEW.city := NULL;
            NEW.state := NULL;
            NEW.zip_code := NULL;
            PERFORM public.customers_address_to_repair(NEW.id, NEW.address, SQLERRM);
        END;
    END IF;
    RETURN NEW;
END
$$
"""

COLUMNS = """
ALTER TABLE public.customers
    ADD COLUMN street_address text, ADD COLUMN city text, ADD COLUMN state text, ADD COLUMN zip_code text
"""

# Triggers fire by name: `~` sorts last, after any other trigger that changes the row. No WHEN clause, no column list: a
# function that returns at once is cheaper than WHEN, and a column list misses what other triggers change.
TRIGGER = """
CREATE TRIGGER "~seachange_customers_address" BEFORE INSERT OR UPDATE ON public.customers
    FOR EACH ROW EXECUTE FUNCTION public.customers_address_sync()
"""


def upgrade() -> None:
    # What locks the busy table comes last, and column and trigger become visible together.
    for statement in (FORWARD, BACKWARD, REPAIR_TABLE, REPAIR, *GRANTS, SYNC, COLUMNS, TRIGGER):
        op.execute(statement)


def downgrade() -> None:
    raise CommandError("a database is never downgraded; to go back, deploy the previous task definition")
