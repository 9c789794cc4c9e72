"""One canister of the Internet Computer, for tests: the rules of a replica that decide whether a store is safe there.

* A module imports functions of `ic0` and nothing else; what it exports as a method takes and returns nothing.
* A message that traps changes nothing: stable memory and heap are as before. A query changes nothing in any case.
* An upgrade and a reinstallation drop the heap; an upgrade keeps stable memory, and one that traps keeps the old module.
* Messages are bounded: instructions, bytes of arguments and replies, pages of stable memory written or touched.
* Instructions are counted in the module itself (see metering.py), with the replica's weights and its charges for the
  System API. A replica adds nothing else; the figures are as good as the weights, which differ between versions.

Source of the rules and numbers: the Internet Computer interface specification and the replica's public defaults
(embedders: instrumentation weights, system API complexity; subnet configuration: limits).
"""

import dataclasses

import wasmtime

import metering

PAGE = 4096
WASM_PAGE = 65536
MIB = 1 << 20
GIB = 1 << 30

INSTRUCTION_LIMITS = {"install": 300 * 10**9, "update": 40 * 10**9, "query": 5 * 10**9}
ARGUMENT_LIMIT = 2 * MIB
REPLY_LIMITS = {"install": 2 * MIB, "update": 2 * MIB, "query": 3 * MIB}
# Bytes of stable memory that one message may write, and look at.
WRITE_LIMITS = {"install": 8 * GIB, "update": 2 * GIB, "query": 1 * GIB}
TOUCH_LIMITS = {"install": 8 * GIB, "update": 2 * GIB, "query": 1 * GIB}
STABLE_LIMIT = 500 * GIB
EXPORT_LIMIT = 1000

# Instructions that a call of the System API costs, and one for each byte that it moves.
CALL_COST = {
    "stable64_size": 20, "stable64_grow": 500, "stable64_read": 20, "stable64_write": 20,
    "msg_arg_data_size": 500, "msg_arg_data_copy": 500, "msg_caller_size": 500, "msg_caller_copy": 500,
    "msg_reply_data_append": 500, "msg_reply": 500, "trap": 500, "time": 500, "canister_version": 500,
    "performance_counter": 200,
}
# For each page of stable memory that a message writes first.
DIRTY_PAGE_COST = 1000

I32, I64 = wasmtime.ValType.i32(), wasmtime.ValType.i64()


# Modules that were accepted: rewriting and compiling one takes longer than most tests.
ACCEPTED = {}


class Trap(Exception):
    """The end of a message that the replica takes back."""


class Rejected(Exception):
    """A module or a message that a replica would not accept."""


def make_engine():
    """An engine without the extensions of WebAssembly that replicas do not validate."""
    config = wasmtime.Config()
    for feature in ("threads", "multi_memory", "memory64", "tail_call", "relaxed_simd", "simd", "gc",
                    "function_references", "exceptions"):
        try:
            setattr(config, "wasm_" + feature, False)
        except AttributeError:
            pass  # This wasmtime does not know it, so it is off.
    return wasmtime.Engine(config)


class StableMemory:
    """Bytes that outlive messages. What a message overwrites is kept until it ends."""

    def __init__(self, image=b""):
        self.bytes = bytearray(image)
        self.begin()

    def begin(self):
        self.old_pages, self.touched, self.old_size = {}, set(), len(self.bytes)

    def roll_back(self):
        for page, old in self.old_pages.items():
            self.bytes[page * PAGE:page * PAGE + len(old)] = old
        del self.bytes[self.old_size:]

    def _pages(self, offset, count):
        if offset + count > len(self.bytes):
            raise Trap(f"stable memory out of bounds: {count} bytes at {offset}")
        return range(offset // PAGE, (offset + count - 1) // PAGE + 1) if count else range(0)

    def read(self, offset, count):
        self.touched.update(self._pages(offset, count))
        return bytes(memoryview(self.bytes)[offset:offset + count])

    def write(self, offset, data):
        """Writes; how many pages the message writes for the first time."""
        dirty = 0
        for page in self._pages(offset, len(data)):
            self.touched.add(page)
            if page not in self.old_pages:
                self.old_pages[page] = bytes(memoryview(self.bytes)[page * PAGE:(page + 1) * PAGE])
                dirty += 1
        self.bytes[offset:offset + len(data)] = data
        return dirty

    def grow(self, pages):
        """The size before in pages of WebAssembly; all ones when the subnet has no room."""
        before = len(self.bytes) // WASM_PAGE
        if len(self.bytes) + pages * WASM_PAGE > STABLE_LIMIT:
            return -1
        self.bytes.extend(bytes(pages * WASM_PAGE))
        return before


@dataclasses.dataclass
class Outcome:
    """How a message ended, and what it took."""
    error: str | None
    reply: bytes | None
    instructions: int
    dirty_pages: int
    touched_pages: int
    heap_bytes: int

    @property
    def is_ok(self):
        return self.error is None


class Canister:
    """A canister on a subnet of its own."""

    SIGNATURES = {
        "stable64_size": ([], [I64]), "stable64_grow": ([I64], [I64]), "stable64_read": ([I64] * 3, []),
        "stable64_write": ([I64] * 3, []), "msg_arg_data_size": ([], [I32]), "msg_arg_data_copy": ([I32] * 3, []),
        "msg_caller_size": ([], [I32]), "msg_caller_copy": ([I32] * 3, []), "msg_reply_data_append": ([I32] * 2, []),
        "msg_reply": ([], []), "trap": ([I32] * 2, []), "time": ([], [I64]), "canister_version": ([], [I64]),
        "performance_counter": ([I32], [I64]),
    }

    def __init__(self, engine, controller=b"\x01\x02\x03"):
        self.engine, self.controller = engine, controller
        self.stable = StableMemory()
        self.module = None
        self.time = 1_700_000_000 * 10**9
        self.version = 0
        self.limits = dict(INSTRUCTION_LIMITS)
        self.profile = None

    # --- Life -------------------------------------------------------------------------------------------------------

    def install(self, wasm, argument=b""):
        """Installs a module on empty stable memory."""
        module = self._accept(wasm)
        self.stable = StableMemory()
        return self._start(module, "canister_init", argument)

    def upgrade(self, wasm, argument=b""):
        """Installs a module over the one that is there. When its hook traps, the old one stays, heap and all."""
        module = self._accept(wasm)
        old = (self.module, self.store, self.instance, self.memory, self.counter) if self.module else None
        outcome = self._start(module, "canister_post_upgrade", argument)
        if not outcome.is_ok and old:
            self.module, self.store, self.instance, self.memory, self.counter = old
        return outcome

    def _start(self, module, hook, argument):
        self.module = module
        self.version += 1
        self._instantiate()
        if hook not in {export.name for export in module.exports}:
            return Outcome(None, b"", 0, 0, 0, self.memory.data_len(self.store))
        return self._run(hook, argument, self.controller, "install")

    def _accept(self, wasm):
        """What a replica checks before it takes a module."""
        known = ACCEPTED.get((self.engine, wasm))
        if known:
            return known
        module = wasmtime.Module(self.engine, metering.instrument(wasm))
        for item in wasmtime.Module(self.engine, wasm).imports:
            if item.module != "ic0" or not isinstance(item.type, wasmtime.FuncType):
                raise Rejected(f"the module imports {item.module}.{item.name}")
            if item.name not in self.SIGNATURES:
                raise Rejected(f"the System API has no {item.name}")
        methods = [export for export in module.exports if export.name.startswith("canister_")]
        if len(methods) > EXPORT_LIMIT:
            raise Rejected(f"the module exports {len(methods)} methods")
        for export in methods:
            if list(export.type.params) or list(export.type.results):
                raise Rejected(f"the method {export.name} takes or returns something")
        ACCEPTED[(self.engine, wasm)] = module
        return module

    def _instantiate(self, heap=None):
        self.store = wasmtime.Store(self.engine)
        linker = wasmtime.Linker(self.engine)
        for name, (parameters, results) in self.SIGNATURES.items():
            linker.define_func("ic0", name, wasmtime.FuncType(parameters, results), getattr(self, "_" + name))
        self.instance = linker.instantiate(self.store, self.module)
        exports = self.instance.exports(self.store)
        self.memory, self.counter = exports["memory"], exports[metering.COUNTER]
        if heap is not None:
            missing = (len(heap) - self.memory.data_len(self.store)) // WASM_PAGE
            if missing > 0:
                self.memory.grow(self.store, missing)
            self.memory.write(self.store, heap, 0)

    # --- Messages ---------------------------------------------------------------------------------------------------

    def update(self, method, argument=b"", caller=None):
        return self._message("update", method, argument, caller)

    def query(self, method, argument=b"", caller=None):
        return self._message("query", method, argument, caller)

    def _message(self, kind, method, argument, caller):
        if len(argument) > ARGUMENT_LIMIT:
            raise Rejected(f"an argument of {len(argument)} bytes")
        name = f"canister_{kind} {method}"
        if name not in {export.name for export in self.module.exports}:
            raise Rejected(f"the canister has no {kind} method {method}")
        self.time += 10**9
        return self._run(name, argument, self.controller if caller is None else caller, kind)

    def _run(self, export, argument, caller, kind):
        self.argument, self.caller, self.kind = argument, caller, kind
        self.output, self.replied, self.charged = bytearray(), False, 0
        self.stable.begin()
        heap = bytes(self.memory.read(self.store, 0, self.memory.data_len(self.store)))
        limit = self.limits[kind]
        self.counter.set_value(self.store, wasmtime.Val.i64(limit))
        if self.profile is not None:
            self.profile.begin(self)
        error = None
        try:
            self.instance.exports(self.store)[export](self.store)
        except Trap as trap:
            error = str(trap)
        except wasmtime.WasmtimeError as trap:
            error = str(trap.__cause__ or trap).strip().splitlines()[-1].strip()
        except wasmtime.Trap as trap:
            left = self.counter.value(self.store)
            error = "instruction limit exceeded" if left < 0 else trap.message.strip().splitlines()[-1].strip()
        instructions = limit - self.counter.value(self.store)
        if self.profile is not None:
            self.profile.end(self)
        outcome = Outcome(error, bytes(self.output) if self.replied and error is None else None, instructions,
                          len(self.stable.old_pages), len(self.stable.touched), self.memory.data_len(self.store))
        if error is not None or kind == "query":
            self.stable.roll_back()
            self._instantiate(heap)
        else:
            self.version += 1
        return outcome

    # --- The System API ---------------------------------------------------------------------------------------------

    def _charge(self, name, byte_count=0, dirty=0):
        left = self.counter.value(self.store) - CALL_COST[name] - byte_count - DIRTY_PAGE_COST * dirty
        self.counter.set_value(self.store, wasmtime.Val.i64(left))
        if left < 0:
            raise Trap("instruction limit exceeded")

    def _stable64_size(self):
        self._charge("stable64_size")
        return len(self.stable.bytes) // WASM_PAGE

    def _stable64_grow(self, pages):
        self._charge("stable64_grow")
        return self.stable.grow(pages & (2**64 - 1))

    def _stable64_read(self, target, offset, count):
        self._charge("stable64_read", count)
        self.memory.write(self.store, self.stable.read(offset, count), target)
        if len(self.stable.touched) * PAGE > TOUCH_LIMITS[self.kind]:
            raise Trap("too many pages of stable memory accessed")

    def _stable64_write(self, offset, source, count):
        dirty = self.stable.write(offset, self.memory.read(self.store, source, source + count))
        self._charge("stable64_write", count, dirty)
        if len(self.stable.old_pages) * PAGE > WRITE_LIMITS[self.kind]:
            raise Trap("too many pages of stable memory written")

    def _msg_arg_data_size(self):
        self._charge("msg_arg_data_size")
        return len(self.argument)

    def _msg_arg_data_copy(self, target, offset, count):
        self._charge("msg_arg_data_copy", count)
        self._copy_in(self.argument, target, offset, count)

    def _msg_caller_size(self):
        self._charge("msg_caller_size")
        return len(self.caller)

    def _msg_caller_copy(self, target, offset, count):
        self._charge("msg_caller_copy", count)
        self._copy_in(self.caller, target, offset, count)

    def _copy_in(self, data, target, offset, count):
        target, offset, count = (number & 0xFFFF_FFFF for number in (target, offset, count))
        if offset + count > len(data):
            raise Trap("a copy from outside the data")
        self.memory.write(self.store, data[offset:offset + count], target)

    def _copy_out(self, source, count):
        source, count = source & 0xFFFF_FFFF, count & 0xFFFF_FFFF
        return bytes(self.memory.read(self.store, source, source + count))

    def _msg_reply_data_append(self, source, count):
        self._charge("msg_reply_data_append", count)
        if self.replied:
            raise Trap("a message is answered once")
        self.output += self._copy_out(source, count)
        if len(self.output) > REPLY_LIMITS[self.kind]:
            raise Trap("the reply is too large")

    def _msg_reply(self):
        self._charge("msg_reply")
        if self.replied or self.kind == "install":
            raise Trap("a message is answered once")
        self.replied = True

    def _trap(self, source, count):
        raise Trap("ic0.trap: " + self._copy_out(source, count).decode(errors="replace"))

    def _time(self):
        self._charge("time")
        return self.time

    def _canister_version(self):
        self._charge("canister_version")
        return self.version

    def _performance_counter(self, kind):
        self._charge("performance_counter")
        if kind & 0xFFFF_FFFF != 0:
            raise Trap("this performance counter is not there")
        return self.limits[self.kind] - self.counter.value(self.store)
