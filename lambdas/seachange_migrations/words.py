"""The words of an SQL text: what names it may hold, and how it begins. No parser: only literals and comments are left out."""

from collections.abc import Iterator

_CLOSING = {"'": "'", '"': '"'}


def words(sql: str) -> Iterator[str]:
    """Its keywords and names, in order: folded to lower case, or as they stand between double quotes."""
    at, end = 0, len(sql)
    while at < end:
        if (after := _after_comment(sql, at)) > at or (after := _after_dollar_quote(sql, at)) > at:
            at = after
        elif sql[at] in _CLOSING:
            quote = sql[at]
            after = _after_quoted(sql, at, quote, escapes=quote == "'" and sql[at - 1 : at] in ("e", "E"))
            if quote == '"':
                yield sql[at + 1 : after - 1].replace('""', '"')
            at = after
        elif _begins_word(sql[at]):
            after = at
            while after < end and (_begins_word(sql[after]) or sql[after].isdigit() or sql[after] == "$"):
                after += 1
            # E'…' and the like are literals with a prefix.
            if not (after - at == 1 and sql[after : after + 1] == "'"):
                yield sql[at:after].lower()
            at = after
        else:
            at += 1


def first_word(sql: str) -> str:
    """The word that `sql` begins with, in lower case; empty where there is none."""
    return next(words(sql), "")


def _begins_word(character: str) -> bool:
    return character.isalpha() or character == "_" or ord(character) > 127


def _after_comment(sql: str, at: int) -> int:
    """Where the comment that begins at `at` ends; `at` where none begins. Comments between /* and */ nest."""
    if sql.startswith("--", at):
        newline = sql.find("\n", at)
        return len(sql) if newline < 0 else newline
    if not sql.startswith("/*", at):
        return at
    depth, after = 1, at + 2
    while depth and after < len(sql):
        if sql.startswith("/*", after):
            depth, after = depth + 1, after + 2
        elif sql.startswith("*/", after):
            depth, after = depth - 1, after + 2
        else:
            after += 1
    return after


def _after_quoted(sql: str, at: int, quote: str, *, escapes: bool) -> int:
    after = at + 1
    while after < len(sql):
        if (escapes and sql[after] == "\\") or sql.startswith(quote * 2, after):
            after += 2
        elif sql[after] == quote:
            return after + 1
        else:
            after += 1
    return len(sql)


def _after_dollar_quote(sql: str, at: int) -> int:
    """Where the literal between $tag$ and $tag$ that begins at `at` ends; `at` where none begins."""
    if sql[at] != "$" or (closes := sql.find("$", at + 1)) < 0:
        return at
    tag = sql[at : closes + 1]
    if not all(character.isalnum() or character == "_" for character in tag[1:-1]) or tag[1:2].isdigit():
        return at
    after = sql.find(tag, closes + 1)
    return len(sql) if after < 0 else after + len(tag)
