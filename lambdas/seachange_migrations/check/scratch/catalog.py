"""Two databases' catalogs, table by table: what a scratch database must have in common with the real one."""

from collections import defaultdict
from collections.abc import Mapping

import psycopg

# Where nothing of the users' is.
SYSTEM = "('pg_catalog', 'information_schema', 'pg_toast')"


def _privileges(acl: str, kind: str, owner: str) -> str:
    """An expression for who may do what, whether it is written down or the default."""
    exploded = f"aclexplode(coalesce({acl}, acldefault('{kind}', {owner})))"
    return f"(SELECT string_agg(a.privilege_type || ' of ' || a.grantee::regrole, ',' ORDER BY a.grantee, a.privilege_type) FROM {exploded} a)"


# Each query yields (table or '', aspect, text). An aspect names one thing of the table; a text is all that counts of it.
QUERIES = (
    # The table itself: kind, owner, row security, options, partitioning, what it inherits from.
    f"""
    SELECT n.nspname || '.' || c.relname, 'table',
           concat_ws(' ', c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), c.relrowsecurity, c.relforcerowsecurity,
                     c.relreplident, c.reloptions, pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
                     CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
                     (SELECT string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits i
                      WHERE i.inhrelid = c.oid))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND n.nspname NOT IN {SYSTEM}
    """,
    # Who may do what with it.
    f"""
    SELECT n.nspname || '.' || c.relname, 'privilege ' || a.privilege_type || ' of ' || a.grantee::regrole, 'granted'
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND n.nspname NOT IN {SYSTEM}
    """,
    # Columns in their order, without the places of dropped ones; with the labels of an enum and the checks of a domain.
    f"""
    SELECT n.nspname || '.' || c.relname, 'column ' || a.attname,
           concat_ws(' ', row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod),
                     a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), a.attcollation::regcollation,
                     a.attacl,
                     (SELECT string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = a.atttypid),
                     (SELECT string_agg(pg_get_constraintdef(t.oid), ' ' ORDER BY t.conname) FROM pg_constraint t
                      WHERE t.contypid = a.atttypid))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
      AND n.nspname NOT IN {SYSTEM}
    """,
    # From PostgreSQL 18 on NOT NULL is a constraint too, whose generated name says nothing; the column has it.
    f"""
    SELECT n.nspname || '.' || c.relname, 'constraint ' || t.conname, concat_ws(' ', pg_get_constraintdef(t.oid), t.convalidated)
    FROM pg_constraint t JOIN pg_class c ON c.oid = t.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.contype <> 'n' AND n.nspname NOT IN {SYSTEM}
    """,
    f"""
    SELECT n.nspname || '.' || c.relname, 'index ' || x.relname, concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
        JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN {SYSTEM}
    """,
    # A trigger is also what its function does.
    f"""
    SELECT n.nspname || '.' || c.relname, 'trigger ' || t.tgname,
           concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled, pg_get_functiondef(t.tgfoid))
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND n.nspname NOT IN {SYSTEM}
      AND NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = t.tgfoid AND p.prolang IN (SELECT oid FROM pg_language WHERE lanname IN ('c', 'internal')))
    """,
    f"""
    SELECT schemaname || '.' || tablename, 'policy ' || policyname, concat_ws(' ', permissive, roles, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname NOT IN {SYSTEM}
    """,
    f"""
    SELECT schemaname || '.' || tablename, 'publication ' || pubname, attnames::text
    FROM pg_publication_tables WHERE schemaname NOT IN {SYSTEM}
    """,
    # Sequences of a table's columns.
    f"""
    SELECT n.nspname || '.' || c.relname, 'sequence ' || s.relname,
           concat_ws(' ', q.seqtypid::regtype, q.seqincrement, q.seqmax, q.seqmin, q.seqcycle, {_privileges("s.relacl", "s", "s.relowner")})
    FROM pg_sequence q JOIN pg_class s ON s.oid = q.seqrelid
        JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass
            AND d.deptype IN ('a', 'i')
        JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN {SYSTEM}
    """,
    # What belongs to no table.
    f"""
    SELECT '', 'function ' || p.oid::regprocedure,
           concat_ws(' ', pg_get_functiondef(p.oid), pg_get_userbyid(p.proowner), {_privileges("p.proacl", "f", "p.proowner")})
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE p.prokind IN ('f', 'p') AND l.lanname NOT IN ('c', 'internal') AND n.nspname NOT IN {SYSTEM}
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    """,
    "SELECT '', 'extension ' || extname, extversion FROM pg_extension WHERE extname <> 'pg_stat_statements'",
    f"SELECT '', 'schema ' || nspname, concat_ws(' ', pg_get_userbyid(nspowner), {_privileges('nspacl', 'n', 'nspowner')}) FROM pg_namespace "
    f"WHERE nspname NOT IN {SYSTEM} AND NOT starts_with(nspname, 'pg_')",
)

# The bookkeeping of an extension, which no statement of a service names.
IGNORED = ("public.pg_stat_statements", "public.pg_stat_statements_info")

Catalog = Mapping[str, Mapping[str, str]]


def read(connection: psycopg.Connection) -> Catalog:
    """By table (`schema.name`, or empty for what belongs to none) the aspects, and what stands there."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    with connection.transaction():
        # Without a search path every name comes out qualified, in both databases alike.
        connection.execute("SET LOCAL search_path = ''")
        # To write out a default or a view the server locks its table, if only against being dropped.
        connection.execute("SET LOCAL statement_timeout = '30s'; SET LOCAL lock_timeout = '2s'")
        for query in QUERIES:
            for table, aspect, text in connection.execute(query.encode()):
                if table not in IGNORED:
                    found[table][aspect] = text
    return found


def compare(real: Catalog, copy: Catalog) -> dict[str, tuple[str, ...]]:
    """By table the aspects in which the two differ."""
    different = {
        table: tuple(sorted(aspect for aspect in {*there, *here} if there.get(aspect) != here.get(aspect)))
        for table in {*real, *copy}
        for there, here in [(real.get(table, {}), copy.get(table, {}))]
    }
    return {table: aspects for table, aspects in sorted(different.items()) if aspects}
