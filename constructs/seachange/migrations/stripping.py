"""Takes out of installed wheels what nothing reads in the Lambda: the symbols of shared libraries, and sources in C and Cython.

Shared libraries are cut here and not by `strip`, which macOS has for its own format alone: what the loader maps is described by the
program header, and a file may end where the last of its segments does. Source: the ELF specification, System V ABI, chapters 4 and 5.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

# Stubs stay, for some packages read their own when they are imported; licences have no such endings.
UNREAD = frozenset({".c", ".cpp", ".cc", ".h", ".hpp", ".pyx", ".pxd", ".pxi", ".a"})

MAGIC = b"\x7fELF"
CLASS_64, LITTLE_ENDIAN = 2, 1
# e_phoff and e_shoff; e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx.
OFFSETS, SIZES = struct.Struct("<QQ"), struct.Struct("<5H")
OFFSETS_AT, SIZES_AT = 32, 54
# p_type, p_flags, p_offset, p_vaddr, p_paddr, p_filesz.
SEGMENT = struct.Struct("<IIQQQQ")
HEADER_BYTES = 64


def strip(target: Path) -> None:
    """Strips the packages that are installed in `target`."""
    for file in sorted(target.rglob("*")):
        if not file.is_file():
            continue
        if file.suffix in UNREAD:
            file.unlink()
        elif ".so" in file.suffixes:
            content = file.read_bytes()
            shortened = cut(content)
            if shortened != content:
                file.write_bytes(shortened)


def cut(content: bytes) -> bytes:
    """A shared library of Linux without its section header and what lies behind its last segment; any other file as it is."""
    if len(content) < HEADER_BYTES or not content.startswith(MAGIC + bytes((CLASS_64, LITTLE_ENDIAN))):
        return content
    end = max(segment_ends(content))
    shortened = bytearray(content[:end])
    program_at, _ = OFFSETS.unpack_from(content, OFFSETS_AT)
    OFFSETS.pack_into(shortened, OFFSETS_AT, program_at, 0)
    entry_bytes, entries, section_bytes, _, _ = SIZES.unpack_from(content, SIZES_AT)
    SIZES.pack_into(shortened, SIZES_AT, entry_bytes, entries, section_bytes, 0, 0)
    return bytes(shortened)


def segment_ends(content: bytes) -> Iterator[int]:
    """Where the file's segments end, and the table that names them."""
    program_at, _ = OFFSETS.unpack_from(content, OFFSETS_AT)
    entry_bytes, entries, *_ = SIZES.unpack_from(content, SIZES_AT)
    yield program_at + entry_bytes * entries
    for number in range(entries):
        _, _, offset, _, _, size = SEGMENT.unpack_from(content, program_at + number * entry_bytes)
        yield offset + size
