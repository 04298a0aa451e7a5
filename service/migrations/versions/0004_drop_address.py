"""Drop the single address, its conversion and its trigger: no release before v2 is left

Revises: 0001, after 0003

Refused while an address would be lost: one that is not converted, or one that waits in customers_address_repair.
"""

from alembic import op
from alembic.util import CommandError

revision = "0004"
down_revision = "0001"
branch_labels = ("contract",)
depends_on = "0003"

# Before the lock: it reads every row.
CONVERTED = """
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM public.customers
        WHERE ROW(street_address, city, state, zip_code)::record *<> public.customers_address_forward(address)
            AND id NOT IN (SELECT customer_id FROM public.customers_address_repair WHERE customer_id IS NOT NULL)
    ) THEN
        RAISE EXCEPTION 'customers has addresses that are not converted; run the backfill of revision 0003 again';
    END IF;
END
$$
"""

# After the lock: nobody can add to it any more.
REPAIRED = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM public.customers_address_repair) THEN
        RAISE EXCEPTION 'customers_address_repair holds addresses that would be lost; settle each and delete its row';
    END IF;
END
$$
"""


def upgrade() -> None:
    op.execute(CONVERTED)
    op.execute('DROP TRIGGER "~seachange_customers_address" ON public.customers')
    op.execute(REPAIRED)
    op.execute("ALTER TABLE public.customers DROP COLUMN address")
    op.execute("DROP FUNCTION public.customers_address_sync()")
    op.execute("DROP FUNCTION public.customers_address_to_repair(bigint, text, text)")
    op.execute("DROP FUNCTION public.customers_address_forward(text)")
    op.execute("DROP FUNCTION public.customers_address_backward(text, text, text, text)")
    op.execute("DROP TABLE public.customers_address_repair")


def downgrade() -> None:
    raise CommandError("a database is never downgraded; to go back, deploy the previous task definition")
