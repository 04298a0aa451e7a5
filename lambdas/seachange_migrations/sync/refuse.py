"""What a sync cannot promise, each with its remedy: asked when it is made, and again while it stands.

A rule is a catalog query that names what is in the way. What a derived value meets on the way into the row would fail the writer, beyond
any EXCEPTION block in our trigger.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from seachange_migrations.sync.table import Table

NUMBERS = "ARRAY(SELECT attnum FROM pg_attribute WHERE attrelid = :oid AND attname = ANY ({names}))"
OLD, NEW, BOTH = (
    NUMBERS.format(names=names) for names in (":old", ":new", "CAST(:old AS text[]) || CAST(:new AS text[])")
)
# A unique or exclusion index over some of the columns, whether as they are or in an expression or predicate.
INDEXES = """
SELECT x.relname::text FROM pg_index AS i JOIN pg_class AS x ON x.oid = i.indexrelid
WHERE i.indrelid IN (SELECT relid FROM pg_partition_tree(:oid) UNION SELECT :oid) AND {kind} AND EXISTS (
    SELECT FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attname = ANY ({names}) AND (a.attnum = ANY (i.indkey::int2[])
        OR EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                   AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid AND d.refobjsubid = a.attnum)))
"""
ROLE = "coalesce(CAST(:role AS name), current_user)"
ROW_TRIGGER, BEFORE, INSERT, UPDATE = 1, 2, 4, 16


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`finds` is a query for the names of what is in the way; `problem` and `remedy` are put around them."""

    finds: str
    problem: str
    remedy: str


RULES = (
    Rule(
        finds="SELECT attname::text FROM pg_attribute WHERE attrelid = :oid AND attname = ANY (:old) AND (attgenerated <> '' OR attidentity <> '')",
        problem="the database itself gives {found} its values",
        remedy="sync the columns it is generated from, and add the generated column anew in the contract revision",
    ),
    Rule(
        finds="SELECT unnest(CAST(:old AS text[])) INTERSECT SELECT unnest(CAST(:key AS text[]))",
        problem="{found} is part of the key by which rows are found for backfill and repair",
        remedy="keep the column; the new release can give it another name in its model",
    ),
    Rule(
        finds="""SELECT a.attname::text FROM pg_attribute AS a JOIN pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
            WHERE a.attrelid = :oid AND a.attname = ANY (:old) AND a.attgenerated = '' AND (
                EXISTS (SELECT FROM regexp_matches(f.adbin::text, '[:](op)?funcid ([0-9]+)', 'g') AS called
                        JOIN pg_proc AS p ON p.oid = called[2]::oid WHERE p.provolatile = 'v')
                OR f.adbin::text ~ 'SQLVALUEFUNCTION [:]op (9|10|11|14) ')""",
        problem="the default of {found} is another for each call or role, so that a row of the new release could not be told from one of the old",
        remedy="drop the default in the release before and let the application give the value",
    ),
    Rule(
        finds="""SELECT a.attname::text FROM pg_attribute AS a WHERE a.attrelid = :oid AND a.attgenerated <> '' AND EXISTS (
            SELECT FROM pg_depend AS d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = :oid AND d.refobjsubid = ANY ({both})
            AND (d.classid = 'pg_class'::regclass AND d.objid = :oid AND d.objsubid = a.attnum OR d.classid = 'pg_attrdef'::regclass
                 AND d.objid = (SELECT f.oid FROM pg_attrdef AS f WHERE f.adrelid = :oid AND f.adnum = a.attnum)))""".replace(
            "{both}", BOTH
        ),
        problem="column {found} is generated from a column of the pair, and its expression could fail the writer on a derived value",
        remedy="drop the generated column first and compute it in the application, or in a trigger that sorts earlier and cannot fail",
    ),
    Rule(
        finds=f"""SELECT format('%s of %s', k.conname, k.conrelid::regclass) FROM pg_constraint AS k
            WHERE k.contype = 'c' AND k.conislocal AND k.coninhcount = 0 AND k.conrelid <> :oid
            AND k.conrelid IN (SELECT relid FROM pg_partition_tree(:oid)) AND EXISTS (
                SELECT FROM pg_attribute AS a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
                AND a.attname IN (SELECT attname FROM pg_attribute WHERE attrelid = :oid AND attnum = ANY ({BOTH})))""",
        problem="the check constraint {found} is one partition's alone, and a derived value could violate it",
        remedy="put it on the partitioned table, or drop it",
    ),
    Rule(
        finds=f"""SELECT k.conname::text FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = :oid AND a.attnum = ANY (k.conkey)
            WHERE k.conrelid = :oid AND k.contype = 'c' AND k.conkey && {OLD} AND a.attgenerated <> ''""",
        problem="the check constraint {found} compares an old column with a generated one, which a trigger cannot see",
        remedy="drop it until the contract revision",
    ),
    Rule(
        finds="""SELECT p.polname::text FROM pg_policy AS p WHERE p.polrelid = :oid AND EXISTS (
            SELECT FROM pg_depend AS d WHERE d.classid = 'pg_policy'::regclass AND d.objid = p.oid AND d.refobjid = :oid
            AND d.refobjsubid = ANY ({both}))""".replace("{both}", BOTH),
        problem="the policy {found} reads a column of the pair, and would refuse the writer a derived value",
        remedy="write the policy over other columns, or drop it until the contract revision",
    ),
    Rule(
        finds=f"""SELECT format('%s of %s', conname, conrelid::regclass) FROM pg_constraint
            WHERE contype = 'f' AND confrelid = :oid AND conparentid = 0 AND confkey && {BOTH}""",
        problem="the foreign key {found} refers to a column of the pair, and would fail a writer whose derived value leaves it behind",
        remedy="let it refer to the primary key first",
    ),
    Rule(
        finds=INDEXES.format(kind="i.indisexclusion", names="CAST(:old AS text[]) || CAST(:new AS text[])"),
        problem="the exclusion constraint {found} covers a column of the pair, and a derived value could violate it",
        remedy="drop it until the contract revision",
    ),
    Rule(
        finds=INDEXES.format(kind=":lossy AND i.indisunique AND NOT i.indisexclusion", names=":old"),
        problem="{found} makes the old side unique, and a lossy conversion derives one old value from several new ones",
        remedy="choose a conversion without loss, or drop the index in the release before",
    ),
    Rule(
        finds=INDEXES.format(kind="i.indisunique AND NOT i.indisexclusion", names=":new"),
        problem="{found} makes the new side unique, which fails writers of the old one, and every upsert where both sides are unique",
        remedy="op.add_unique in the contract revision, after op.drop_synced",
    ),
    Rule(
        finds="SELECT attname::text FROM pg_attribute WHERE attrelid = :oid AND attname = ANY (:new) AND attnotnull",
        problem="{found} is NOT NULL, and a value that does not convert is NULL on the new side",
        remedy="op.set_not_null in the contract revision, after op.drop_synced",
    ),
    Rule(
        finds="SELECT attname::text FROM pg_attribute WHERE attrelid = :oid AND attname = ANY (:new) AND atthasdef",
        problem="{found} has a default, which makes every row of the old release look like one of the new",
        remedy="set the default in the contract revision, after op.drop_synced",
    ),
    Rule(
        finds=f"SELECT conname::text FROM pg_constraint WHERE conrelid = :oid AND contype IN ('c', 'f') AND conkey && {NEW}",
        problem="the constraint {found} is on the new side, and a derived value could violate it",
        remedy="add it in the contract revision, after op.drop_synced (op.add_foreign_key for a foreign key)",
    ),
    Rule(
        finds=f"""SELECT DISTINCT format('%s of %s', t.tgname, t.tgrelid::regclass) FROM pg_trigger AS t
            WHERE t.tgrelid IN (SELECT relid FROM pg_partition_tree(:oid) UNION SELECT :oid) AND NOT t.tgisinternal AND t.tgenabled <> 'D'
            AND t.tgtype & {ROW_TRIGGER} > 0 AND t.tgtype & {BEFORE} > 0 AND t.tgtype & {INSERT | UPDATE} > 0
            AND t.tgname COLLATE "C" > :trigger COLLATE "C" AND t.tgname NOT LIKE '~seachange\\_%'""",
        problem="the trigger {found} fires after ours, for its name sorts later, and what it changes would not be kept in step",
        remedy="rename it, ALTER TRIGGER … RENAME TO, to a name that sorts before ~seachange_",
    ),
    Rule(
        finds="""SELECT name FROM seachange.sync WHERE schema_name = :schema AND table_name = :table AND name <> :name AND dropped_at IS NULL
            AND (old_columns || new_columns) && (CAST(:old AS text[]) || CAST(:new AS text[]))""",
        problem="sync {found} keeps one of these columns in step already, and two triggers would not see each other's changes",
        remedy="contract it first (op.drop_synced), or give that sync the other column too",
    ),
    Rule(
        finds="""SELECT schema_name || '.' || table_name FROM seachange.sync WHERE name = :name AND dropped_at IS NULL
            AND (schema_name, table_name) <> (:schema, :table)""",
        problem="a sync of this name stands on {found}",
        remedy="give this one another, name=…, here and in the operations that follow",
    ),
    Rule(
        finds=f"""SELECT format('%s (%s)', k.conname, k.confrelid::regclass) FROM pg_constraint AS k
            WHERE k.conrelid = :oid AND k.contype = 'f' AND k.conkey && {OLD}
            AND NOT (has_table_privilege({ROLE}, k.confrelid, 'SELECT') AND has_any_column_privilege({ROLE}, k.confrelid, 'UPDATE'))""",
        problem="this role may not look up what the foreign key {found} refers to, so a derived value could violate it",
        remedy="GRANT SELECT, UPDATE on the referenced table to it, or migrate as that table's owner",
    ),
    Rule(
        finds="""SELECT p.pubname::text FROM pg_publication AS p
            WHERE p.pubname <> ALL (CAST(:publications AS text[])) AND (p.puballtables
                OR EXISTS (SELECT FROM pg_publication_namespace AS s JOIN pg_namespace AS n ON n.oid = s.pnnspid
                           WHERE s.pnpubid = p.oid AND n.nspname = :schema)
                OR EXISTS (SELECT FROM pg_publication_rel AS r WHERE r.prpubid = p.oid AND r.prattrs IS NULL
                           AND r.prrelid IN (SELECT relid FROM pg_partition_tree(:oid) UNION SELECT :oid)))""",
        problem="publication {found} carries the table, and subscribers that lack the new columns stop",
        remedy="add the columns there first, then name the publication: publications=[…]",
    ),
    Rule(
        finds="""SELECT 's' FROM pg_subscription_rel WHERE srrelid IN (SELECT relid FROM pg_partition_tree(:oid) UNION SELECT :oid) LIMIT 1""",
        problem="logical replication writes to the table, and triggers are silent for it",
        remedy="sync the columns on the publisher",
    ),
    Rule(
        finds=f"""SELECT {ROLE}::text WHERE NOT has_table_privilege({ROLE}, 'seachange.repair', 'SELECT')
            OR NOT has_table_privilege({ROLE}, 'seachange.repair', 'INSERT') OR NOT has_table_privilege({ROLE}, 'seachange.repair', 'UPDATE')
            OR NOT has_schema_privilege({ROLE}, 'seachange', 'CREATE')""",
        problem="role {found} may not write to schema seachange, into which the trigger records what needs repair",
        remedy="migrate as the role that owns schema seachange",
    ),
)


def problems(
    connection: Connection,
    table: Table,
    *,
    name: str,
    trigger: str,
    old: Sequence[str],
    new: Sequence[str],
    lossy: bool,
    publications: Sequence[str],
    role: str | None = None,
) -> Iterator[str]:
    """What is in the way of this sync, a line each, with its remedy. `role` is who owns the trigger's function, this session's by default."""
    parameters = {
        "oid": table.oid,
        "schema": table.schema,
        "table": table.name,
        "key": list(table.key),
        "name": name,
        "trigger": trigger,
        "old": list(old),
        "new": list(new),
        "lossy": lossy,
        "publications": list(publications),
        "role": role,
    }
    for rule in RULES:
        found = connection.execute(text(rule.finds), parameters).scalars().all()
        if found:
            where = rule.problem.format(found=", ".join(sorted(found)))
            yield f"{table.shown}, sync {name}: {where}: {rule.remedy}"
