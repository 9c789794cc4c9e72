"""The example canister on the test replica: what it promises, message by message.

usage: test_backend.py ONE.wasm TWO.wasm FAULTY.wasm CAIRN

ONE and TWO are two versions of the example, FAULTY one with methods that fail on purpose, CAIRN the command-line tool.
"""

import hashlib
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

import replica
from candid import decode
from support import ENGINE, MIB, OTHER, OWNER, contents, expect, field, query, refusal, result, run_tests, update

CHUNK = 1_900_000


def new(wasm):
    canister = replica.Canister(ENGINE, OWNER)
    outcome = canister.install(wasm)
    expect(outcome.is_ok, f"canister_init: {outcome.error}")
    result(update(canister, "create_bucket", "media"))
    return canister


def upload(canister, data):
    """Sends contents in chunks; the number of the upload."""
    number = result(update(canister, "upload_begin", len(data)))
    for offset in range(0, len(data), CHUNK):
        sent = result(update(canister, "upload_chunk", number, data[offset:offset + CHUNK]))
        expect(sent == min(offset + CHUNK, len(data)), "bytes of a chunk are missing")
    return number


def download(canister, bucket, key):
    """All of an object, in as many queries as it takes."""
    size = field(result(query(canister, "head", bucket, key)), "size")
    data = b""
    while len(data) < size:
        piece = result(query(canister, "get", bucket, key, len(data), size - len(data)))
        expect(0 < len(piece) < 2 * MIB, "a piece that is empty or too large for a reply")
        data += piece
    return data


# --- Tests -----------------------------------------------------------------------------------------------------------


def test_objects(wasm):
    canister = new(wasm.one)
    expect(result(update(canister, "create_bucket", "media")) is False, "a bucket that is there is not made again")
    for number in range(30):
        result(update(canister, "put", "media", f"k/{number:03}", contents(number * 50, "o")))
    listing = result(query(canister, "list", "media", "k/", ("opt text", "k/009"), 5))
    expect([field(entry, "key") for entry in listing] == [f"k/{number:03}" for number in range(10, 15)], "listing")
    expect(download(canister, "media", "k/020") == contents(1000, "o"), "contents")
    expect(result(query(canister, "get", "media", "k/020", 990, 100)) == contents(1000, "o")[990:], "a range")
    expect(result(query(canister, "get", "media", "k/020", 5000, 100)) == b"", "a range behind the end")
    expect(result(update(canister, "delete", "media", "k/020")) is True, "delete")
    expect(result(update(canister, "delete", "media", "k/020")) is False, "delete again")
    expect("there is no key" in refusal(query(canister, "head", "media", "k/020")), "head of nothing")
    expect(result(update(canister, "delete_all", "media", "k/", 20)) == 20, "delete a part")
    expect(result(update(canister, "delete_all", "media", "k/", 20)) == 9, "delete the rest")
    status = result(query(canister, "status"))
    expect(field(status, "objects") == 0 and field(status, "volumes") == 2, "status")
    expect(field(status, "used") + field(status, "free") + field(status, "reserved") == field(status, "capacity"), "sizes")


def test_map(wasm):
    canister = new(wasm.one)
    expect(result(update(canister, "set", "b", 2)) is None, "a new entry")
    result(update(canister, "set", "a", 2**64 - 1))
    result(update(canister, "set", "c", 0))
    expect(result(update(canister, "set", "b", 3)) == 2, "the value before")
    expect(result(query(canister, "value", "a")) == 2**64 - 1, "value")
    entries = result(query(canister, "values", ("opt text", "a"), ("opt text", "c"), 10))
    expect([(field(e, "name"), field(e, "value")) for e in entries] == [("a", 2**64 - 1), ("b", 3)], "a range")
    expect(result(update(canister, "unset", "b")) == 3, "unset")
    expect(result(query(canister, "value", "b")) is None, "no value")


def test_principals(wasm):
    canister = new(wasm.one)
    expect("no right" in refusal(update(canister, "put", "media", "x", b"1", caller=OTHER)), "put without a right")
    expect("no right" in refusal(query(canister, "get", "media", "x", 0, 1, caller=OTHER)), "get without a right")
    expect("no right" in refusal(update(canister, "begin", 60, caller=OTHER)), "begin without a right")
    result(update(canister, "grant", ("principal", OTHER), "write"))
    result(update(canister, "put", "media", "x", b"1", caller=OTHER))
    transaction = result(update(canister, "begin", 600))
    for method, arguments in (("stage_set", ("a", 1)), ("commit", ()), ("rollback", ())):
        refused = refusal(update(canister, method, transaction, *arguments, caller=OTHER))
        expect("another principal" in refused, f"{method} of another's transaction: {refused}")
    result(update(canister, "stage_set", transaction, "a", 1))
    number = result(update(canister, "upload_begin", 10))
    refusal(update(canister, "upload_chunk", number, b"1", caller=OTHER))
    result(update(canister, "commit", transaction))


def test_transaction_over_an_upgrade(wasm):
    """100 MiB in chunks, staged in three messages, an upgrade in the middle, one commit."""
    canister = new(wasm.one)
    sizes = {"first": 40 * MIB, "second": 35 * MIB, "third": 25 * MIB}
    transaction = result(update(canister, "begin", 3600))
    for key in ("first", "second"):
        number = upload(canister, contents(sizes[key], key))
        result(update(canister, "stage_upload", transaction, number, "media", key))
    expect("there is no" in refusal(query(canister, "head", "media", "first")), "what is staged is not seen")
    expect(decode(query(canister, "version").reply) == "one", "the first version")
    outcome = canister.upgrade(wasm.two)
    expect(outcome.is_ok, f"the upgrade: {outcome.error}")
    expect(decode(query(canister, "version").reply) == "two", "the second version")
    expect(decode(query(canister, "greet", "cairn").reply) == "hello, cairn", "what only the second version has")
    number = upload(canister, contents(sizes["third"], "third"))
    result(update(canister, "stage_upload", transaction, number, "media", "third"))
    result(update(canister, "stage_set", transaction, "uploads", 3))
    result(update(canister, "commit", transaction))
    result(update(canister, "commit", transaction))  # A client that lost the answer may repeat it.
    for key, size in sizes.items():
        expect(hashlib.sha256(download(canister, "media", key)).digest()
               == hashlib.sha256(contents(size, key)).digest(), f"the contents of {key}")
    expect(result(query(canister, "value", "uploads")) == 3, "the map changed with the objects")
    events = [field(c, "event") for c in result(query(canister, "journal", 1000)) if field(c, "transaction") == transaction]
    expect(events == ["begin", "stage", "stage", "stage", "stage", "commit"], f"the journal: {events}")
    expect(all(field(c, "valid") for c in result(query(canister, "journal", 1000))), "the journal verifies")


def test_upload_over_an_upgrade(wasm):
    """An upload that is neither finished nor staged ends with the upgrade, and its space is free again."""
    canister = new(wasm.one)
    free = field(result(query(canister, "status")), "free")
    number = result(update(canister, "upload_begin", 3 * MIB))
    result(update(canister, "upload_chunk", number, contents(CHUNK, "x")))
    expect(canister.upgrade(wasm.two).is_ok, "the upgrade")
    expect("there is no upload" in refusal(update(canister, "upload_chunk", number, b"1")), "the upload is gone")
    expect(field(result(query(canister, "status")), "free") == free, "its space is free")


def test_steps_over_an_upgrade(wasm):
    """Long work goes on behind an upgrade where it was."""
    canister = new(wasm.one)
    for number in range(120):
        result(update(canister, "put", "media", f"old/{number:03}", contents(100 + number, "s")))
    result(update(canister, "put", "media", "new", b"stays"))
    result(update(canister, "begin_delete_all", "media", "old/"))
    expect(field(result(query(canister, "status")), "works") == 1, "work is under way")
    expect(result(update(canister, "step", 50)) is False, "a step")
    expect(field(result(query(canister, "status")), "objects") == 71, "a part is done")
    expect(canister.upgrade(wasm.two).is_ok, "the upgrade")
    expect(field(result(query(canister, "status")), "works") == 1, "the work is still there")
    trapped = canister.limits["update"]
    canister.limits["update"] = 100_000
    expect("instruction limit" in update(canister, "step", 50).error, "a step that is too large")
    canister.limits["update"] = trapped
    steps = 0
    while not result(update(canister, "step", 50)):
        steps += 1
    expect(steps == 2, f"{steps} steps")
    status = result(query(canister, "status"))
    expect(field(status, "objects") == 1 and field(status, "works") == 0, "all of it is done")
    expect(result(query(canister, "get", "media", "new", 0, 10)) == b"stays", "what was not to be deleted")


def test_copy_over_an_upgrade(wasm):
    """An object that no message can copy is copied in parts, and nobody sees it before it is whole."""
    canister = new(wasm.one)
    data = contents(12 * MIB, "copy")
    result(update(canister, "upload_finish", upload(canister, data), "media", "film"))
    result(update(canister, "begin_copy", "media", "film", "copy"))
    canister.limits["update"] = 120_000_000
    expect("instruction limit" in update(canister, "step", 1_000_000).error, "all of it is too much for a message")
    expect(result(update(canister, "step", 1024)) is False, "4 MiB")
    expect(canister.upgrade(wasm.two).is_ok, "the upgrade")
    expect("there is no key" in refusal(query(canister, "head", "media", "copy")), "a part is not seen")
    steps = 1
    while not result(update(canister, "step", 1024)):
        steps += 1
    expect(steps == 3, f"{steps} steps")
    canister.limits["update"] = replica.INSTRUCTION_LIMITS["update"]
    expect(download(canister, "media", "copy") == data, "the copy")
    etags = [field(result(query(canister, "head", "media", key)), "etag") for key in ("film", "copy")]
    expect(etags[0] == etags[1], f"the same contents have the same ETag: {etags}")
    # Broken off, a copy leaves nothing.
    before = field(result(query(canister, "status")), "free")
    result(update(canister, "begin_copy", "media", "film", "other"))
    expect(result(update(canister, "step", 1024)) is False, "4 MiB")
    expect(before - field(result(query(canister, "status")), "free") >= 4 * MIB, "space of a part")
    expect(result(update(canister, "cancel_works")) == 1, "one work is under way")
    expect(before - field(result(query(canister, "status")), "free") <= 8 * 4096, "the part is given back")
    expect(result(update(canister, "step", 1024)) is True, "nothing is left to be done")


def test_conflict_and_rollback(wasm):
    canister = new(wasm.one)
    transaction = result(update(canister, "begin", 600))
    result(update(canister, "stage_put", transaction, "media", "x", b"mine"))
    expect(result(update(canister, "stage_delete", transaction, "media", "y")) is False, "nothing to delete")
    result(update(canister, "put", "media", "y", b"theirs"))
    expect("another transaction changed" in refusal(update(canister, "commit", transaction)), "a conflict")
    expect("another transaction changed" in refusal(update(canister, "commit", transaction)), "and again")
    expect("there is no key" in refusal(query(canister, "head", "media", "x")), "nothing of it is there")
    before = field(result(query(canister, "status")), "free")
    transaction = result(update(canister, "begin", 600))
    result(update(canister, "stage_put", transaction, "media", "z", contents(MIB, "z")))
    expect(field(result(query(canister, "status")), "transactions") == 1, "an open transaction")
    result(update(canister, "rollback", transaction))
    result(update(canister, "rollback", transaction))
    expect(before - field(result(query(canister, "status")), "free") <= 4 * 4096, "what was staged is given back")
    transaction = result(update(canister, "begin", 1))
    canister.time += 10**10
    expect("ran out" in refusal(update(canister, "commit", transaction)), "the lease")


def test_traps(wasm):
    """A message that traps leaves every byte of stable memory, and the next one works."""
    canister = new(wasm.faulty)
    result(update(canister, "put", "media", "x", b"before"))
    before = bytes(canister.stable.bytes)

    def trapped(outcome, text):
        expect(not outcome.is_ok and text in outcome.error, f"expected a trap with '{text}', got {outcome}")
        expect(bytes(canister.stable.bytes) == before, "the trap changed stable memory")
        expect(result(query(canister, "get", "media", "x", 0, 10)) == b"before", "the canister does not go on")

    dirty = update(canister, "trap_after_put", "media", "x", b"lost")
    expect(dirty.dirty_pages > 0, "the message wrote before it trapped")
    trapped(dirty, "on purpose")
    trapped(update(canister, "overrun_after_put", "media", "x", b"lost"), "unreachable")
    canister.limits["update"] = 10**8
    trapped(update(canister, "spin_after_put", "media", "x", b"lost"), "instruction limit")
    canister.limits["update"] = replica.INSTRUCTION_LIMITS["update"]
    canister.limits["update"] = dirty.instructions // 2
    trapped(update(canister, "put", "media", "x", contents(MIB, "x")), "instruction limit")
    canister.limits["update"] = replica.INSTRUCTION_LIMITS["update"]
    trapped(canister.update("put", b"DIDL"), "Candid")
    trapped(update(canister, "put", "media", "x"), "argument")
    result(update(canister, "put", "media", "x", b"after"))
    expect(result(query(canister, "get", "media", "x", 0, 10)) == b"after", "the next message")
    # A query changes nothing, whatever it does.
    before = bytes(canister.stable.bytes)
    result(query(canister, "put_in_query", "media", "x", b"never"))
    expect(bytes(canister.stable.bytes) == before, "a query changed stable memory")
    expect(result(query(canister, "get", "media", "x", 0, 10)) == b"after", "a query changed what is seen")


def test_foreign_images(wasm):
    """An upgrade on something else than a store of a format that is known traps, says why and changes nothing."""
    def refused(canister, text):
        before = bytes(canister.stable.bytes)
        outcome = canister.upgrade(wasm.two)
        expect(not outcome.is_ok and text in outcome.error, f"expected '{text}', got {outcome.error}")
        expect(bytes(canister.stable.bytes) == before, "the refused upgrade changed stable memory")

    empty = replica.Canister(ENGINE, OWNER)
    refused(empty, "no Cairn image")
    foreign = replica.Canister(ENGINE, OWNER)
    foreign.stable = replica.StableMemory(contents(16 * MIB, "foreign"))
    refused(foreign, "no Cairn image")
    newer = new(wasm.one)
    result(update(newer, "put", "media", "x", b"1"))
    sound = bytes(newer.stable.bytes)
    for place in (0, 63 * 4096):
        newer.stable.bytes[place:place + 4096] = newer_format(newer.stable.bytes[place:place + 4096])
    refused(newer, "format version 2")
    expect(result(query(newer, "get", "media", "x", 0, 1)) == b"1", "the old version goes on")
    newer.stable = replica.StableMemory(sound)
    expect(newer.upgrade(wasm.two).is_ok, "the image as it was")


def newer_format(superblock):
    """A superblock that says that its format is the next one, with the checksum that it must have then."""
    changed = bytearray(superblock)
    # The checksum at 8 covers bytes 12 to 512, the version is at 12: Sources/CairnBlocks/Superblock.swift.
    struct.pack_into("<I", changed, 12, 2)
    struct.pack_into("<I", changed, 8, zlib.crc32(changed[12:512]))
    return bytes(changed)


def test_images_on_hosts(wasm):
    """What the canister left, the tool opens; what the tool made, the canister opens."""
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder, "canister.cairn")
        canister = new(wasm.one)
        for number in range(200):
            result(update(canister, "put", "media", f"k{number:03}", contents(number * 997, "host")))
            result(update(canister, "set", f"k{number:03}", number))
        transaction = result(update(canister, "begin", 3600))
        result(update(canister, "stage_put", transaction, "media", "staged", contents(MIB, "staged")))
        image.write_bytes(canister.stable.bytes)

        def run(*arguments, **options):
            done = subprocess.run([wasm.cairn, *arguments], capture_output=True, check=False, **options)
            expect(done.returncode == 0, f"cairn {' '.join(map(str, arguments))}: {done.stderr.decode()}")
            return done.stdout

        run("check", "--deep", image)
        expect(run("get", image, "media/k150") == contents(150 * 997, "host"), "an object, read by the tool")
        expect(len(run("ls", image, "media").splitlines()) == 200, "the listing")
        events = [json.loads(line)["event"] for line in run("journal", "--json", image).splitlines()]
        expect("stage" in events and "begin" in events, "the journal, read by the tool")
        # A canister's image relies on messages that do not tear, so on a file it is only read.
        refused = subprocess.run([wasm.cairn, "put", image, "media/host"], input=b"1", capture_output=True, check=False)
        expect(refused.returncode != 0 and b"tears no message" in refused.stderr, f"put into the image: {refused.stderr}")
        expect(image.read_bytes() == canister.stable.bytes, "what was refused changed the image")

        canister.stable = replica.StableMemory(image.read_bytes())
        expect(canister.upgrade(wasm.two).is_ok, "the canister opens what the tool looked at")
        expect(download(canister, "media", "k199") == contents(199 * 997, "host"), "an object of the canister")
        expect(result(query(canister, "value", "k123")) == 123, "the map")
        result(update(canister, "commit", transaction))
        expect(download(canister, "media", "staged") == contents(MIB, "staged"), "what was staged before")

        made = pathlib.Path(folder, "host.cairn")
        run("init", made, "--size", "32MiB")
        run("put", made, "media/hello", input=b"from a host")
        run("grant", made, "add", "0x" + OWNER.hex(), "admin")
        canister = replica.Canister(ENGINE, OWNER)
        canister.stable = replica.StableMemory(made.read_bytes())
        outcome = canister.upgrade(wasm.one)
        expect(outcome.is_ok, f"an image made by the tool: {outcome.error}")
        expect(download(canister, "media", "hello") == b"from a host", "an object of the tool's image")
        result(update(canister, "put", "media", "reply", b"from the canister"))
        made.write_bytes(canister.stable.bytes)
        run("check", "--deep", made)
        expect(run("get", made, "media/reply") == b"from the canister", "an object of the canister")


class Built:
    """What the tests run."""

    def __init__(self, paths):
        self.one, self.two, self.faulty = (pathlib.Path(path).read_bytes() for path in paths[:3])
        self.cairn = paths[3]


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Built(sys.argv[1:])))
