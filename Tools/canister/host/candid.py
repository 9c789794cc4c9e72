"""As much of Candid as the tests need: arguments of simple types, values of types that are named, and replies of any.

A type is the name of a primitive one, or ("opt", type), ("vec", type), ("record", {name: type}), ("variant", {name: type}).
A record is a dictionary of names, a variant a pair of a name and a value.
"""

import dataclasses
import struct
import typing

NULL, BOOL, NAT, NAT64, TEXT, BLOB, PRINCIPAL = "null", "bool", "nat", "nat64", "text", "blob", "principal"
CODES = {NULL: 0x7F, BOOL: 0x7E, NAT: 0x7D, "int": 0x7C, "nat8": 0x7B, "nat16": 0x7A, "nat32": 0x79, NAT64: 0x78, "int8": 0x77,
         "int16": 0x76, "int32": 0x75, "int64": 0x74, "float64": 0x72, TEXT: 0x71, PRINCIPAL: 0x68}
NUMBERS = {"nat8": "<B", "nat16": "<H", "nat32": "<I", NAT64: "<Q", "int8": "<b", "int16": "<h", "int32": "<i", "int64": "<q",
           "float64": "<d"}
PRIMITIVES = {code - 0x80: name for name, code in CODES.items()}


def leb(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


@dataclasses.dataclass
class Typed:
    """An argument of a type."""
    type: typing.Any
    value: typing.Any


class Encoder:
    def __init__(self):
        self.table = []

    def code(self, kind):
        """How a type is named; compound ones get an entry in the table."""
        if isinstance(kind, str):
            return bytes([CODES[kind]])
        name, inner = kind
        if name in ("opt", "vec"):
            entry = (b"\x6e" if name == "opt" else b"\x6d") + self.code(inner)
        else:
            fields = sorted((field_id(field), part) for field, part in inner.items())
            entry = (b"\x6c" if name == "record" else b"\x6b") + leb(len(fields))
            entry += b"".join(leb(number) + self.code(part) for number, part in fields)
        if entry not in self.table:
            self.table.append(entry)
        index = self.table.index(entry)
        return bytes([index]) if index < 64 else bytes([index & 0x7F | 0x80, index >> 7])

    def value(self, kind, value):
        if kind == NULL:
            return b""
        if kind == BOOL:
            return bytes([value])
        if isinstance(kind, str) and kind in NUMBERS:
            return struct.pack(NUMBERS[kind], value)
        if kind == NAT:
            return leb(value)
        if kind == TEXT:
            return leb(len(value.encode())) + value.encode()
        if kind == PRINCIPAL:
            return b"\x01" + leb(len(value)) + value
        name, inner = kind
        if name == "opt":
            return b"\x00" if value is None else b"\x01" + self.value(inner, value)
        if name == "vec":
            if inner == "nat8":
                return leb(len(value)) + bytes(value)
            return leb(len(value)) + b"".join(self.value(inner, item) for item in value)
        if name == "record":
            fields = sorted(inner.items(), key=lambda field: field_id(field[0]))
            return b"".join(self.value(part, value[field]) for field, part in fields)
        cases = sorted(inner, key=field_id)
        return leb(cases.index(value[0])) + self.value(inner[value[0]], value[1])


def typed(argument):
    """An argument of a simple type with its type."""
    if isinstance(argument, Typed):
        return argument
    if isinstance(argument, bool):
        return Typed(BOOL, argument)
    if isinstance(argument, int):
        return Typed(NAT64, argument)
    if isinstance(argument, str):
        return Typed(TEXT, argument)
    if isinstance(argument, bytes):
        return Typed(("vec", "nat8"), argument)
    if argument[0] == "opt text":
        return Typed(("opt", TEXT), argument[1])
    return Typed(PRINCIPAL, argument[1])


def encode(*arguments):
    """A message of arguments: text, int (nat64), bytes (blob), bool, ("opt text", value), ("principal", bytes), Typed."""
    encoder, codes, values = Encoder(), b"", b""
    for argument in map(typed, arguments):
        codes += encoder.code(argument.type)
        values += encoder.value(argument.type, argument.value)
    return b"DIDL" + leb(len(encoder.table)) + b"".join(encoder.table) + leb(len(arguments)) + codes + values


def field_id(name):
    value = 0
    for byte in name.encode():
        value = (value * 223 + byte) & 0xFFFF_FFFF
    return value


class Decoder:
    def __init__(self, data):
        if data[:4] != b"DIDL":
            raise ValueError("no Candid message")
        self.data, self.at = data, 4
        self.table = [self._entry() for _ in range(self._leb())]
        self.types = [self._signed() for _ in range(self._leb())]

    def _byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def _leb(self):
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def _signed(self):
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value - (1 << shift) if byte & 0x40 else value

    def _entry(self):
        kind = self._byte()
        if kind in (0x6E, 0x6D):
            return kind, self._signed()
        return kind, [(self._leb(), self._signed()) for _ in range(self._leb())]

    def _take(self, count):
        self.at += count
        if self.at > len(self.data):
            raise ValueError("the message is cut short")
        return self.data[self.at - count:self.at]

    def value(self, kind):
        if kind >= 0:
            code, inner = self.table[kind]
            if code == 0x6E:
                return self.value(inner) if self._byte() else None
            if code == 0x6D:
                count = self._leb()
                if PRIMITIVES.get(inner) == "nat8":
                    return self._take(count)
                return [self.value(inner) for _ in range(count)]
            if code == 0x6C:
                return {number: self.value(field) for number, field in inner}
            number, field = inner[self._leb()]
            return number, self.value(field)
        name = PRIMITIVES[kind]
        if name == NULL:
            return None
        if name == BOOL:
            return bool(self._byte())
        if name in NUMBERS:
            return struct.unpack(NUMBERS[name], self._take(struct.calcsize(NUMBERS[name])))[0]
        if name == TEXT:
            return self._take(self._leb()).decode()
        if name == PRINCIPAL:
            self._byte()
            return self._take(self._leb())
        return self._leb()


def decode(data):
    """The one value of a reply. Records are dictionaries by `field_id`, variants pairs of it and the value."""
    decoder = Decoder(data)
    if not decoder.types:
        return None
    value = decoder.value(decoder.types[0])
    if decoder.at != len(data):
        raise ValueError("bytes are left behind the value")
    return value
