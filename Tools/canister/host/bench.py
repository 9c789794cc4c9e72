"""Instructions, dirty pages and heap of the measured messages, beside the published figures of ic-stable-structures.

usage: bench.py BENCH.wasm [--json] [--profile OPERATION]

How instructions are counted: by the module itself, each WebAssembly instruction with the weight that a replica gives it,
and the replica's charges for the System API (20 a call of stable memory and 1 a byte, 1,000 for each page of 4 KiB that a
message writes first); see metering.py and replica.py. A message counts from its first instruction to its reply, the commit
included. The figures of ic-stable-structures are its own, from its repository (version 0.7.2, canbench on a replica, its
loop of 10,000 operations with random keys, no commit, since it has none).

--profile prints which functions an operation spends its instructions in (the module must have its names).
"""

import json
import pathlib
import struct
import sys

import metering
import replica

# (method, what it is, ic-stable-structures 0.7.2 in instructions, what its result must be)
SUM = sum(range(10_000))
LOW_BYTES = sum(index & 0xFF for index in range(10_000))
MIB_100 = 100 << 20
OPERATIONS = [
    ("numbers_insert", "10,000 inserts u64 -> u64", 356_000_000, 0),
    ("numbers_get", "10,000 gets", 176_000_000, SUM),
    ("numbers_remove", "10,000 removes", 534_000_000, SUM),
    ("numbers_insert", None, None, 0),
    ("numbers_pop_first", "10,000 pop-firsts", 404_000_000, SUM),
    ("blobs_insert", "10,000 inserts blob 32 -> 128", 449_000_000, 0),
    ("blobs_get", "10,000 gets", None, LOW_BYTES),
    ("blobs_remove", "10,000 removes", None, LOW_BYTES),
    ("blobs_insert", None, None, 0),
    ("blobs_pop_first", "10,000 pop-firsts", None, LOW_BYTES),
    ("large_put", "100 MiB put in 1 MiB pieces", 1_770_000_000, MIB_100),
    ("large_get", "100 MiB read and verified", None, MIB_100),
    ("objects_put", "10,000 objects of 100 bytes put", None, 10_000),
    ("objects_list", "10,001 objects listed", None, 10_001),
    ("objects_get", "10,000 objects got", None, LOW_BYTES),
]


class Profile:
    """Instructions by function, from the globals that the module counts in."""

    def __init__(self, names):
        self.names, self.spent = names, []

    def _globals(self, canister):
        exports = canister.instance.exports(canister.store)
        return [exports[f"function {number}"] for number in range(len(self.names))]

    def begin(self, canister):
        self.before = [item.value(canister.store) for item in self._globals(canister)]

    def end(self, canister):
        after = [item.value(canister.store) for item in self._globals(canister)]
        self.spent = sorted(((old - new, name) for old, new, name in zip(self.before, after, self.names)), reverse=True)


def main(arguments):
    wasm = pathlib.Path(arguments[0]).read_bytes()
    canister = replica.Canister(replica.make_engine())
    profiled = arguments[arguments.index("--profile") + 1] if "--profile" in arguments else None
    if profiled:
        metered, names = metering.instrument(wasm, functions=True)
        canister.profile = Profile(names)
        metering.instrument = lambda _: metered
    outcome = canister.install(wasm)
    if not outcome.is_ok:
        sys.exit(f"canister_init: {outcome.error}")
    as_json = "--json" in arguments
    if not as_json and not profiled:
        print(f"{'operation':34} {'instructions':>15} {'published':>15} {'ratio':>6} {'dirty pages':>12} {'heap MiB':>9}")
    for method, title, published, expected in OPERATIONS:
        outcome = canister.update(method)
        if not outcome.is_ok:
            sys.exit(f"{method}: {outcome.error}")
        result = struct.unpack("<Q", outcome.reply)[0]
        if result != expected:
            sys.exit(f"{method}: the result is {result}, not {expected}")
        if title is None:
            continue
        if profiled:
            if method == profiled:
                for spent, name in canister.profile.spent[:40]:
                    print(f"{spent:>14,}  {100 * spent / outcome.instructions:5.1f} %  {name}")
                return
            continue
        if as_json:
            print(json.dumps({
                "operation": method, "instructions": outcome.instructions, "dirty_pages": outcome.dirty_pages,
                "heap_bytes": outcome.heap_bytes, "published_instructions": published}))
            continue
        print(f"{title:34} {outcome.instructions:>15,} {f'{published:,}' if published else '':>15} "
              f"{f'{outcome.instructions / published:.2f}' if published else '':>6} {outcome.dirty_pages:>12,} "
              f"{outcome.heap_bytes / 2**20:>9.1f}", flush=True)
    if not as_json:
        print(f"wasm: {len(wasm):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
