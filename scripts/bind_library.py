"""Binds a shared library's references to its own symbols, once, instead of at each start.

    python3 bind_library.py SOURCE TARGET

The prebuilt libduckdb exports every symbol of its C++ inside, so the loader looks up 41,000 names each time a daemon starts and
another name at each function's first call: 4 ms before `main` and 3 ms after it. Nothing else in the process defines these names, so the answers are
always the same. This writes them into a copy, as the linker's `-Bsymbolic` would have done: a relocation against a symbol that the
library itself defines becomes a relative one. Code and data stay as they are.

Kept as they were: what the library doesn't define, thread-local, indirect and process-wide unique symbols, and data of namespace std, of
which libstdc++ may hold the one true copy.

Format: System V gABI, chapter 5 (dynamic section), and the x86-64 psABI, section 4.4 (relocation types).
"""
import ctypes
import os
import re
import struct
import sys

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_PLTRELSZ, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_PLTREL, DT_JMPREL, DT_RELACOUNT = 0, 2, 5, 6, 7, 8, 20, 23, 0x6FFFFFF9
R_64, R_GLOB_DAT, R_JUMP_SLOT, R_RELATIVE = 1, 6, 7, 8
STB_GLOBAL, STB_WEAK = 1, 2
STT_NOTYPE, STT_OBJECT, STT_FUNC = 0, 1, 2
SHN_UNDEF, SHN_ABS = 0, 0xFFF1
RELA, SYMBOL, DYNAMIC, PROGRAM = struct.Struct("<QQq"), struct.Struct("<IBBHQQ"), struct.Struct("<QQ"), struct.Struct("<IIQQQQQQ")
OF_STD = re.compile(rb"_Z(?:T[A-Z]|GV)?N?K?S[tabsiod]")


class Library:
    def __init__(self, data):
        self.data = data
        if data[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", data, 18)[0] != 62:
            raise ValueError("not an x86-64 ELF library")
        (start,), (count,) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<H", data, 56)
        headers = [PROGRAM.unpack_from(data, start + PROGRAM.size * i) for i in range(count)]
        self.loads = [(address, address + size, offset) for kind, _, offset, address, _, size, _, _ in headers if kind == PT_LOAD]
        self.dynamic = next(offset for kind, _, offset, *_ in headers if kind == PT_DYNAMIC)
        self.tags = []
        while True:
            tag, value = DYNAMIC.unpack_from(data, self.dynamic + DYNAMIC.size * len(self.tags))
            if tag == DT_NULL:
                break
            self.tags.append((tag, value))

    def offset(self, address):
        return next(address - low + offset for low, high, offset in self.loads if low <= address < high)

    def own_value(self, index):
        """The address of a symbol that nothing outside this library may replace, else None."""
        name, info, _, section, value, _ = SYMBOL.unpack_from(self.data, self.symbols + SYMBOL.size * index)
        binding, kind = info >> 4, info & 15
        if section in (SHN_UNDEF, SHN_ABS) or binding not in (STB_GLOBAL, STB_WEAK) or kind not in (STT_NOTYPE, STT_OBJECT, STT_FUNC):
            return None
        if kind != STT_FUNC and OF_STD.match(self.data, self.names + name):
            return None
        return value

    def bind(self):
        tag = dict(self.tags)
        first, length = tag[DT_RELA], tag[DT_RELASZ] + tag[DT_PLTRELSZ]
        if first + tag[DT_RELASZ] != tag[DT_JMPREL]:
            raise ValueError("the two relocation tables don't follow each other")
        self.symbols, self.names, table = self.offset(tag[DT_SYMTAB]), self.offset(tag[DT_STRTAB]), self.offset(first)
        relative, named = [], []
        for where, info, addend in RELA.iter_unpack(self.data[table : table + length]):
            kind = info & 0xFFFFFFFF
            value = self.own_value(info >> 32) if kind in (R_64, R_GLOB_DAT, R_JUMP_SLOT) else None
            if kind == R_RELATIVE:
                relative.append((where, info, addend))
            elif value is not None:
                relative.append((where, R_RELATIVE, value + (addend if kind == R_64 else 0)))
            else:
                named.append((where, info, addend))
        relative.sort()  # in the order of pages
        named.sort(key=lambda entry: entry[1] >> 32)  # the loader remembers the last symbol it looked up
        for place, entry in enumerate(relative + named):
            RELA.pack_into(self.data, table + RELA.size * place, *entry)
        # One table for all: what is left of the procedure linkage table's is small enough to be resolved at the start.
        gone, changed = (DT_JMPREL, DT_PLTRELSZ, DT_PLTREL, DT_RELACOUNT), {DT_RELASZ: length}
        tags = [(key, changed.get(key, value)) for key, value in self.tags if key not in gone] + [(DT_RELACOUNT, len(relative))]
        for place in range(len(self.tags) + 1):
            DYNAMIC.pack_into(self.data, self.dynamic + DYNAMIC.size * place, *(tags[place] if place < len(tags) else (DT_NULL, 0)))
        return len(relative), len(named)


def main():
    source, target = sys.argv[1:]
    with open(source, "rb") as file:
        library = Library(bytearray(file.read()))
    relative, named = library.bind()
    with open(target, "wb") as file:
        file.write(library.data)
    version = ctypes.CDLL(os.path.abspath(target), os.RTLD_NOW).duckdb_library_version
    version.restype = ctypes.c_char_p
    print(f"libduckdb {version().decode()}: {relative} references bound, {named} left to the loader")


if __name__ == "__main__":
    main()
