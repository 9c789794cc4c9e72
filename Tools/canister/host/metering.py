"""Rewrites a WebAssembly module so that it counts the instructions that it executes, weighted as a replica weighs them.

A global, exported as COUNTER, holds what is left. At the start of each straight run of instructions its weight is taken
off; functions and loops also look whether any is left and trap if not. `memory.copy` and `memory.fill` cost their bytes
beside their weight. With `functions`, each function takes off from a global of its own, too, for a profile.

Source of the weights: the replica of the Internet Computer (dfinity/ic, rs/embedders, wasm_utils/instrumentation.rs).
"""

COUNTER = "instructions left"

# --- LEB128 ----------------------------------------------------------------------------------------------------------


def unsigned(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def skip_leb(data, at):
    while data[at] >= 0x80:
        at += 1
    return at + 1


def encode_unsigned(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_signed(value):
    out = bytearray()
    while True:
        byte = value & 0x7F
        value >>= 7
        if (value == 0 and not byte & 0x40) or (value == -1 and byte & 0x40):
            out.append(byte)
            return bytes(out)
        out.append(byte | 0x80)


# --- Weights ---------------------------------------------------------------------------------------------------------

BLOCK, LOOP, IF, ELSE, END = 0x02, 0x03, 0x04, 0x05, 0x0B
BR, BR_IF, BR_TABLE, RETURN, UNREACHABLE = 0x0C, 0x0D, 0x0E, 0x0F, 0x00
PREFIX, MEMORY_COPY, MEMORY_FILL = 0xFC, 10, 11


def make_weights():
    weights = {code: 1 for code in range(0x100)}
    for code in (BLOCK, LOOP, ELSE, END):
        weights[code] = 0
    for code in (IF, BR, BR_IF, BR_TABLE, 0x23, 0x24):  # branches; global.get, global.set
        weights[code] = 2
    weights[0x10], weights[0x11] = 5, 10  # call, call_indirect
    weights[0x25] = weights[0x26] = 5  # table.get, table.set
    weights[0x3F], weights[0x40] = 20, 300  # memory.size, memory.grow
    for code in (*range(0x6D, 0x71), *range(0x7F, 0x83)):  # division and remainder
        weights[code] = 10
    for code in range(0x5B, 0x67):  # comparisons of floats
        weights[code] = 3
    for code in (*range(0x8D, 0x91), *range(0x92, 0x95), *range(0x9B, 0x9F), *range(0xA0, 0xA3)):  # simple float arithmetic
        weights[code] = 2
    weights[0x95], weights[0xA3], weights[0x91], weights[0x9F] = 3, 5, 5, 8  # division, square root
    for code in (0x96, 0x97, 0xA4, 0xA5):  # minimum, maximum
        weights[code] = 18
    weights[0x98], weights[0xA6] = 2, 3  # copysign
    for code in (*range(0xA8, 0xAC), *range(0xAE, 0xB2)):  # float to integer
        weights[code] = 20
    for code in (0xB2, 0xB4, 0xB7, 0xB9):  # signed integer to float
        weights[code] = 3
    for code in (0xB3, 0xB5, 0xB8, 0xBA):  # unsigned integer to float
        weights[code] = 16
    weights[0xD1], weights[0xD2] = 5, 130  # ref.is_null, ref.func
    return weights


WEIGHTS = make_weights()
# Behind the prefix: saturating float to integer, memory.init, data.drop, memory.copy, memory.fill, table operations.
PREFIX_WEIGHTS = {**{code: 20 for code in range(8)}, 8: 100, 9: 300, 10: 100, 11: 100, 12: 100, 13: 300, 14: 100,
                  15: 300, 16: 100, 17: 100}


def next_instruction(code, at):
    """The weight of the instruction at a place, its code, its code behind the prefix, and the place behind it."""
    opcode, start = code[at], at
    at += 1
    if opcode in (BLOCK, LOOP, IF):
        at = skip_leb(code, at)
    elif opcode in (BR, BR_IF, 0x10, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x3F, 0x40, 0x41, 0x42, 0xD0, 0xD2):
        at = skip_leb(code, at)
    elif opcode == BR_TABLE:
        count, at = unsigned(code, at)
        for _ in range(count + 1):
            at = skip_leb(code, at)
    elif opcode == 0x11 or 0x28 <= opcode <= 0x3E:  # call_indirect, loads and stores
        at = skip_leb(code, skip_leb(code, at))
    elif opcode == 0x1C:  # select with types
        count, at = unsigned(code, at)
        at += count
    elif opcode == 0x43:
        at += 4
    elif opcode == 0x44:
        at += 8
    elif opcode == PREFIX:
        sub, at = unsigned(code, at)
        if sub in (8, 10, 12, 14):
            at = skip_leb(code, skip_leb(code, at))
        elif sub in (9, 11, 13, 15, 16, 17):
            at = skip_leb(code, at)
        elif sub > 17:
            raise ValueError(f"instruction 0xFC {sub} at {start}")
        return PREFIX_WEIGHTS[sub], opcode, sub, at
    elif opcode > 0xC4 and opcode not in (0xD1,) or opcode in (0x06, 0x07, 0x08, 0x09, 0x0A, *range(0x12, 0x1A)):
        raise ValueError(f"instruction 0x{opcode:02x} at {start}")
    return WEIGHTS[opcode], opcode, None, at


# --- Rewriting -------------------------------------------------------------------------------------------------------


def charge(global_index, weight):
    index = encode_unsigned(global_index)
    return b"\x23" + index + b"\x42" + encode_signed(weight) + b"\x7d\x24" + index  # get, const, sub, set


def rewrite(body, parameter_count, counter, own):
    """A function's body that counts. `own`: a global of its own, or None."""
    declarations, at = unsigned(body, 0)
    locals_start, local_count = at, parameter_count
    for _ in range(declarations):
        count, at = unsigned(body, at)
        local_count += count
        at += 1
    local_declarations, code = body[locals_start:at], body[at:]
    scratch = encode_unsigned(local_count)

    counters = [counter] + ([own] if own is not None else [])
    get_counter = b"\x23" + encode_unsigned(counter)
    # The trap when nothing is left: if (counter < 0) unreachable.
    check = get_counter + b"\x42\x00\x53\x04\x40\x00\x0b"
    out, run, weight, uses_scratch, checks = [], bytearray(), 0, False, True
    at, end = 0, len(code)

    def flush():
        nonlocal run, weight, checks
        if weight:
            out.extend(charge(index, weight) for index in counters)
        if checks:
            out.append(check)
        out.append(bytes(run))
        run, weight, checks = bytearray(), 0, False

    while at < end:
        cost, opcode, sub, behind = next_instruction(code, at)
        if opcode == PREFIX and sub in (MEMORY_COPY, MEMORY_FILL):
            # The count is on the stack: keep it, take it off, put it back.
            uses_scratch = True
            run += b"\x21" + scratch
            for index in counters:
                place = encode_unsigned(index)
                run += b"\x23" + place + b"\x20" + scratch + b"\xad\x7d\x24" + place
            run += b"\x20" + scratch
        run += code[at:behind]
        weight += cost
        at = behind
        if opcode in (LOOP, IF, ELSE, END, BR, BR_IF, BR_TABLE, RETURN, UNREACHABLE):
            flush()
            checks = opcode == LOOP
    flush()
    if uses_scratch:
        declarations += 1
        local_declarations += b"\x01\x7f"
    return encode_unsigned(declarations) + local_declarations + b"".join(out)


def sections(module):
    at = 8
    while at < len(module):
        kind = module[at]
        size, start = unsigned(module, at + 1)
        yield kind, module[start:start + size]
        at = start + size


def instrument(module, functions=False):
    """The module that counts; with `functions`, and the names of its functions in the order of their globals."""
    parts = list(sections(module))
    by_kind = {kind: data for kind, data in parts if kind}
    imported = {0: 0, 3: 0}
    parameter_counts = type_parameter_counts(by_kind[1])
    if 2 in by_kind:
        for kind, _ in imports(by_kind[2]):
            imported[kind] = imported.get(kind, 0) + 1
    global_count, globals_start = unsigned(by_kind[6], 0) if 6 in by_kind else (0, 0)
    counter = imported[3] + global_count

    types, at = [], 0
    count, at = unsigned(by_kind[3], at)
    for _ in range(count):
        index, at = unsigned(by_kind[3], at)
        types.append(index)

    bodies = []
    body_count, at = unsigned(by_kind[10], 0)
    for number in range(body_count):
        size, start = unsigned(by_kind[10], at)
        own = counter + 1 + number if functions else None
        body = rewrite(by_kind[10][start:start + size], parameter_counts[types[number]], counter, own)
        bodies.append(encode_unsigned(len(body)) + body)
        at = start + size

    added = 1 + (body_count if functions else 0)
    new_globals = encode_unsigned(global_count + added) + (by_kind[6][globals_start:] if 6 in by_kind else b"")
    new_globals += b"\x7e\x01\x42\x00\x0b" * added
    export_count, exports_start = unsigned(by_kind[7], 0)
    new_exports = encode_unsigned(export_count + added) + by_kind[7][exports_start:] + export(COUNTER, counter)
    if functions:
        for number in range(body_count):
            new_exports += export(f"function {number}", counter + 1 + number)

    out = bytearray(module[:8])
    has_globals = 6 in by_kind
    for kind, data in parts:
        if kind == 0:
            continue
        if kind == 6:
            data = new_globals
        elif kind == 7:
            if not has_globals:
                out += b"\x06" + encode_unsigned(len(new_globals)) + new_globals
            data = new_exports
        elif kind == 10:
            data = encode_unsigned(body_count) + b"".join(bodies)
        out += bytes([kind]) + encode_unsigned(len(data)) + data
    if not functions:
        return bytes(out)
    return bytes(out), [function_names(module).get(imported[0] + number, f"#{number}") for number in range(body_count)]


def export(name, index):
    text = name.encode()
    return encode_unsigned(len(text)) + text + b"\x03" + encode_unsigned(index)


def imports(data):
    count, at = unsigned(data, 0)
    for _ in range(count):
        for _ in range(2):
            size, at = unsigned(data, at)
            at += size
        kind = data[at]
        at += 1
        if kind == 0:
            at = skip_leb(data, at)
        elif kind == 3:
            at += 2
        else:
            raise ValueError("the module imports a memory or a table")
        yield kind, at


def type_parameter_counts(data):
    counts = []
    count, at = unsigned(data, 0)
    for _ in range(count):
        parameter_count, at = unsigned(data, at + 1)
        counts.append(parameter_count)
        at += parameter_count
        result_count, at = unsigned(data, at)
        at += result_count
    return counts


def function_names(module):
    names = {}
    for kind, data in sections(module):
        if kind != 0:
            continue
        size, at = unsigned(data, 0)
        if data[at:at + size] != b"name":
            continue
        at += size
        while at < len(data):
            sub, (length, start) = data[at], unsigned(data, at + 1)
            if sub == 1:
                count, place = unsigned(data, start)
                for _ in range(count):
                    index, place = unsigned(data, place)
                    size, place = unsigned(data, place)
                    names[index] = data[place:place + size].decode(errors="replace")
                    place += size
            at = start + length
    return names
