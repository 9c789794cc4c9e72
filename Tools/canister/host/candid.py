"""As much of Candid as the tests need: arguments of simple types, and replies of any."""

import struct

NULL, BOOL, NAT, NAT64, TEXT, BLOB, PRINCIPAL = "null", "bool", "nat", "nat64", "text", "blob", "principal"
CODES = {NULL: 0x7F, BOOL: 0x7E, NAT: 0x7D, "nat8": 0x7B, "nat32": 0x79, NAT64: 0x78, TEXT: 0x71, PRINCIPAL: 0x68}
PRIMITIVES = {code - 0x80: name for name, code in CODES.items()}


def leb(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def encode(*arguments):
    """A message of arguments: text, int (nat64), bytes (blob), bool, ("opt text", value), ("principal", bytes)."""
    table, codes, values = [], b"", b""

    def entry(data):
        if data not in table:
            table.append(data)
        return bytes([table.index(data)])

    for argument in arguments:
        if isinstance(argument, bool):
            codes, values = codes + b"\x7e", values + bytes([argument])
        elif isinstance(argument, int):
            codes, values = codes + b"\x78", values + struct.pack("<Q", argument)
        elif isinstance(argument, str):
            codes, values = codes + b"\x71", values + leb(len(argument.encode())) + argument.encode()
        elif isinstance(argument, bytes):
            codes, values = codes + entry(b"\x6d\x7b"), values + leb(len(argument)) + argument
        elif argument[0] == "opt text":
            codes += entry(b"\x6e\x71")
            values += b"\x00" if argument[1] is None else b"\x01" + leb(len(argument[1].encode())) + argument[1].encode()
        else:
            codes, values = codes + b"\x68", values + b"\x01" + leb(len(argument[1])) + argument[1]
    return b"DIDL" + leb(len(table)) + b"".join(table) + leb(len(arguments)) + codes + values


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
        if name == NAT64:
            return struct.unpack("<Q", self._take(8))[0]
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
