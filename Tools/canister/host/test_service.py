"""The canister that `@Canister` declares, on the test replica: tables, buckets, transactions and grants, message by message.

usage: test_service.py BLOG.wasm CAIRN
"""

import pathlib
import subprocess
import sys
import tempfile

import replica
from candid import Typed, decode
from support import ENGINE, MIB, OTHER, OWNER, contents, expect, field, query, refusal, result, run_tests, update

USER = ("record", {"id": "int64", "name": "text", "email": "text", "age": ("opt", "int32")})
POST = ("record", {"id": "int64", "author": "int64", "title": "text", "picture": ("opt", "text")})
VALUE = ("variant", {"none": "null", "bool": "bool", "int": "int64", "nat": "nat64", "float": "float64", "text": "text",
                     "blob": ("vec", "nat8"), "principal": "principal"})
COMPARISONS = ("equal", "not_equal", "less", "less_or_equal", "greater", "greater_or_equal", "prefix", "contains")
FILTER = ("vec", ("vec", ("record", {"column": "text", "is": ("variant", {name: VALUE for name in COMPARISONS})})))
QUERY = ("record", {
    "filter": ("opt", FILTER), "sort": ("opt", ("vec", ("record", {"column": "text", "descending": "bool"}))),
    "limit": ("opt", "nat64"), "after": ("opt", ("vec", "nat8"))})
ASSIGNMENTS = ("vec", ("record", {"column": "text", "value": VALUE}))
RIGHT = ("variant", {"read": "null", "write": "null", "admin": "null"})
NONE = Typed(("opt", "nat64"), None)
BLOB = ("opt", ("vec", "nat8"))


def user(number, name, age=None):
    return Typed(USER, {"id": number, "name": name, "email": f"{name.lower()}@example.org", "age": age})


def post(author, title, picture=None):
    return Typed(POST, {"id": 0, "author": author, "title": title, "picture": picture})


def key(number):
    return Typed("int64", number)


def condition(column, comparison, case, value):
    return {"column": column, "is": (comparison, (case, value))}


def question(filter=None, sort=None, limit=None, after=None):
    terms = sort and [{"column": column, "descending": descending} for column, descending in sort]
    return Typed(QUERY, {"filter": filter, "sort": terms, "limit": limit, "after": after})


def names(page):
    return [field(row, "name") for row in field(page, "rows")]


def new(wasm):
    canister = replica.Canister(ENGINE, OWNER)
    outcome = canister.install(wasm)
    expect(outcome.is_ok, f"canister_init: {outcome.error}")
    return canister


def filled(wasm):
    canister = new(wasm)
    for number, (name, age) in enumerate((("Ada", 36), ("Alan", 41), ("Barbara", None), ("Edsger", 72)), 1):
        result(update(canister, "user_insert", user(number, name, age), NONE))
    return canister


def test_rows(built):
    canister = filled(built.wasm)
    row = result(query(canister, "user_get", key(2)))
    expect([field(row, name) for name in ("id", "name", "email", "age")] == [2, "Alan", "alan@example.org", 41], f"get: {row}")
    expect(field(result(query(canister, "user_get", key(3))), "age") is None, "null")
    expect(result(query(canister, "user_get", key(9))) is None, "no row")
    expect("email" in refusal(update(canister, "user_insert", user(9, "Ada"), NONE)), "a unique column")
    expect(result(update(canister, "user_upsert", user(9, "Grace"), NONE)) is True, "added")
    expect(result(update(canister, "user_upsert", user(9, "Grace", 85), NONE)) is False, "replaced")
    expect(result(update(canister, "user_replace", user(10, "Nobody"), NONE)) is False, "nothing to replace")
    expect(result(update(canister, "user_replace", user(9, "Hopper", 85), NONE)) is True, "replaced")
    set_age = Typed(ASSIGNMENTS, [{"column": "age", "value": ("int", 40)}, {"column": "name", "value": ("text", "Al")}])
    expect(result(update(canister, "user_update", key(2), set_age, NONE)) is True, "an update")
    row = result(query(canister, "user_get", key(2)))
    expect((field(row, "name"), field(row, "age")) == ("Al", 40), "after the update")
    wrong = Typed(ASSIGNMENTS, [{"column": "age", "value": ("text", "old")}])
    expect("column age" in refusal(update(canister, "user_update", key(2), wrong, NONE)), "a value of another type")
    unknown = Typed(ASSIGNMENTS, [{"column": "size", "value": ("int", 1)}])
    expect("column size" in refusal(update(canister, "user_update", key(2), unknown, NONE)), "a column that is not there")
    first = result(update(canister, "post_insert", post(1, "A cat", "cat.jpg"), NONE))
    expect(field(first, "id") == 1, "a row gets its number")
    result(update(canister, "post_insert", post(1, "Two cats"), NONE))
    expect("author" in refusal(update(canister, "post_insert", post(77, "Of nobody"), NONE)), "a reference to nothing")
    expect(result(update(canister, "user_delete", key(1), NONE)) is True, "delete")
    expect(result(query(canister, "post_count", Typed(("opt", FILTER), None))) == 0, "the posts go with their author")
    trapped = update(canister, "user_insert", Typed(("record", {"id": "int64"}), {"id": 1}), NONE)
    expect(not trapped.is_ok and "argument" in trapped.error, f"a row without its columns: {trapped}")
    # A client of another version: a field more, an optional one less.
    other = Typed(("record", {"id": "int64", "name": "text", "email": "text", "colour": "text"}),
                  {"id": 20, "name": "New", "email": "new@example.org", "colour": "red"})
    result(update(canister, "user_insert", other))


def test_questions(built):
    canister = filled(built.wasm)
    page = result(query(canister, "user_find", question(sort=[("name", True)])))
    expect(names(page) == ["Edsger", "Barbara", "Alan", "Ada"] and field(page, "next") is None, f"sorted: {page}")
    grown = [[condition("age", "greater_or_equal", "int", 36), condition("name", "prefix", "text", "A")]]
    expect(names(result(query(canister, "user_find", question(grown, [("age", False)])))) == ["Ada", "Alan"], "both hold")
    either = [[condition("age", "greater", "int", 70)], [condition("age", "equal", "none", None)]]
    expect(names(result(query(canister, "user_find", question(either, [("id", False)])))) == ["Barbara", "Edsger"], "one holds")
    inside = [[condition("email", "contains", "text", "bar")]]
    expect(names(result(query(canister, "user_find", question(inside)))) == ["Barbara"], "text in it")
    expect(result(query(canister, "user_count", Typed(("opt", FILTER), grown))) == 2, "count")
    expect(result(query(canister, "user_count", Typed(("opt", FILTER), None))) == 4, "count all")
    seen, token = [], None
    while True:
        page = result(query(canister, "user_find", question(sort=[("name", False)], limit=3, after=token)))
        seen.append(names(page))
        token = field(page, "next")
        if token is None:
            break
    expect(seen == [["Ada", "Alan", "Barbara"], ["Edsger"]], f"pages: {seen}")
    expect("column size" in refusal(query(canister, "user_find", question(sort=[("size", False)]))), "an unknown column")
    before = bytes(canister.stable.bytes)
    result(query(canister, "user_find", question(sort=[("name", False)])))
    expect(bytes(canister.stable.bytes) == before, "a query changed stable memory")


def test_transactions(built):
    """Rows and objects in one transaction of several messages, with an upgrade in the middle."""
    canister = filled(built.wasm)
    transaction = result(update(canister, "begin", 3600))
    within = Typed(("opt", "nat64"), transaction)
    picture = contents(MIB, "picture")
    result(update(canister, "media_put", "cat.jpg", picture, within))
    result(update(canister, "user_insert", user(5, "Eve", 30), within))
    result(update(canister, "post_insert", post(5, "A cat", "cat.jpg"), within))
    expect(result(query(canister, "user_get", key(5))) is None, "what is staged is not seen")
    # Its owner may look into it.
    stable = bytes(canister.stable.bytes)
    expect(field(result(query(canister, "user_get", key(5), within)), "name") == "Eve", "a row within")
    expect(names(result(query(canister, "user_find", question(sort=[("id", True)], limit=2), within))) == ["Eve", "Edsger"],
           "a page within")
    expect(result(query(canister, "user_count", Typed(("opt", FILTER), None), within)) == 5, "how many within")
    expect(field(result(query(canister, "media_head", "cat.jpg", within)), "size") == MIB, "an object within")
    expect(result(query(canister, "media_get", "cat.jpg", 0, 100, within)) == picture[:100], "a part of it")
    expect(len(result(query(canister, "media_list", "", ("opt text", None), 9, within))) == 1, "the listing within")
    expect("another principal" in refusal(query(canister, "user_get", key(5), within, caller=OTHER)), "a stranger's look")
    expect(bytes(canister.stable.bytes) == stable, "looking changed stable memory")
    outcome = canister.upgrade(built.wasm)
    expect(outcome.is_ok, f"the upgrade: {outcome.error}")
    expect(result(update(canister, "user_delete", key(4), within)) is True, "a row goes")
    result(update(canister, "commit", transaction))
    result(update(canister, "commit", transaction))
    expect(field(result(query(canister, "user_get", key(5))), "name") == "Eve", "the row")
    expect(result(query(canister, "user_get", key(4))) is None, "the row that went")
    expect(result(query(canister, "media_get", "cat.jpg", 0, 2 * MIB)) == picture, "the object")
    # A conflict, and a rollback.
    transaction = result(update(canister, "begin", 3600))
    within = Typed(("opt", "nat64"), transaction)
    expect(result(update(canister, "user_delete", key(5), within)) is True, "staged")
    result(update(canister, "user_upsert", user(5, "Eve", 31), NONE))
    expect("another transaction changed" in refusal(update(canister, "commit", transaction)), "a conflict")
    transaction = result(update(canister, "begin", 3600))
    result(update(canister, "media_delete", "cat.jpg", Typed(("opt", "nat64"), transaction)))
    result(update(canister, "rollback", transaction))
    expect(field(result(query(canister, "media_head", "cat.jpg")), "size") == MIB, "rolled back")


def test_steps(built):
    """Rows that are deleted by a filter, and a check in pieces."""
    canister = filled(built.wasm)
    for number in range(10, 60):
        result(update(canister, "user_insert", user(number, f"User{number}", number), NONE))
    result(update(canister, "media_put", "cat.jpg", contents(300_000, "cat"), NONE))
    grown = Typed(FILTER, [[condition("age", "greater_or_equal", "int", 30)]])
    result(update(canister, "user_delete_where", grown, NONE))
    expect(field(result(query(canister, "status")), "works") == 1, "work is under way")
    expect(result(update(canister, "step", 20)) is False, "a step")
    expect(canister.upgrade(built.wasm).is_ok, "the upgrade")
    while not result(update(canister, "step", 20)):
        pass
    expect(result(query(canister, "user_count", Typed(("opt", FILTER), None))) == 21, "who is left")
    expect(result(query(canister, "user_get", key(3))) is not None, "null is not grown")
    after, pieces = None, 0
    while pieces == 0 or after is not None:
        piece = result(query(canister, "check", True, 10, Typed(BLOB, after)))
        expect(field(piece, "findings") == [], f"findings: {piece}")
        after, pieces = field(piece, "next"), pieces + 1
    expect(pieces > 5, f"{pieces} pieces")
    expect("comes from no check" in refusal(query(canister, "check", True, 10, Typed(BLOB, b"\x09"))), "no cursor")
    expect("no right" in refusal(query(canister, "check", False, 10, Typed(BLOB, None), caller=OTHER)), "a stranger")


def test_objects(built):
    canister = new(built.wasm)
    for number in range(5):
        result(update(canister, "media_put", f"k{number}", contents(1000, str(number)), NONE))
    listing = result(query(canister, "media_list", "k", ("opt text", "k1"), 2))
    expect([field(entry, "key") for entry in listing] == ["k2", "k3"], "the listing")
    expect(result(query(canister, "media_get", "k4", 990, 100)) == contents(1000, "4")[990:], "a part")
    expect(result(update(canister, "media_delete", "k4", NONE)) is True, "delete")
    expect("there is no key" in refusal(query(canister, "media_head", "k4")), "head of nothing")
    status = result(query(canister, "status"))
    expect(field(status, "objects") == 4 and field(status, "rows") == 0, "status")


def test_grants(built):
    """Who installs the canister owns it; others may do what is granted."""
    canister = filled(built.wasm)
    for refused in (query(canister, "user_get", key(1), caller=OTHER), update(canister, "begin", 60, caller=OTHER),
                    update(canister, "grant", ("principal", OTHER), Typed(RIGHT, ("admin", None)), ("opt text", None), caller=OTHER),
                    update(canister, "media_put", "x", b"1", NONE, caller=OTHER)):
        expect("no right" in refusal(refused), "a stranger")
    result(update(canister, "grant", ("principal", OTHER), Typed(RIGHT, ("read", None)), ("opt text", None)))
    expect(field(result(query(canister, "user_get", key(1), caller=OTHER)), "name") == "Ada", "reading is granted")
    expect("no right" in refusal(update(canister, "user_delete", key(1), NONE, caller=OTHER)), "writing is not")
    result(update(canister, "grant", ("principal", OTHER), Typed(RIGHT, ("write", None)), ("opt text", None)))
    expect(result(update(canister, "user_delete", key(1), NONE, caller=OTHER)) is True, "writing is granted")
    # A table with grants of its own: the volume's rights are not enough any more.
    result(update(canister, "grant", ("principal", b"\x0c"), Typed(RIGHT, ("read", None)), ("opt text", "Post")))
    expect("Post" in refusal(update(canister, "post_insert", post(2, "x"), NONE, caller=OTHER)), "a restricted table")
    result(update(canister, "grant", ("principal", OTHER), Typed(RIGHT, ("write", None)), ("opt text", "Post")))
    result(update(canister, "post_insert", post(2, "x"), NONE, caller=OTHER))
    transaction = result(update(canister, "begin", 600))
    refused = refusal(update(canister, "user_insert", user(30, "X"), Typed(("opt", "nat64"), transaction), caller=OTHER))
    expect("another principal" in refused, f"another's transaction: {refused}")
    result(update(canister, "revoke", ("principal", OTHER), ("opt text", None)))
    expect("no right" in refusal(query(canister, "user_get", key(2), caller=OTHER)), "revoked")


def test_interface(built):
    """The description names every method that is exported, and no other."""
    canister = new(built.wasm)
    text = decode(query(canister, "__get_candid_interface_tmp_hack").reply)
    described = {line.split(" : ")[0].strip() for line in text.splitlines() if line.startswith("  ")}
    exported = {export.name.split(" ")[1] for export in canister.module.exports if " " in export.name
                and export.name.startswith("canister_")} - {"__get_candid_interface_tmp_hack"}
    expect(described == exported, f"{described ^ exported}")
    expect("type user_row = record { id : int64; name : text; email : text; age : opt int32 };" in text, text)


def test_image(built):
    """The tool finds nothing wrong with what the canister left, and reads its rows."""
    canister = filled(built.wasm)
    result(update(canister, "media_put", "cat.jpg", contents(300_000, "cat"), NONE))
    with tempfile.TemporaryDirectory() as folder:
        image = pathlib.Path(folder, "blog.cairn")
        image.write_bytes(canister.stable.bytes)
        for arguments in (["check", "--deep", image], ["get", image, "media/cat.jpg"]):
            done = subprocess.run([built.cairn, *arguments], capture_output=True, check=False)
            expect(done.returncode == 0, f"cairn {arguments[0]}: {done.stderr.decode()}")
        expect(done.stdout == contents(300_000, "cat"), "the object, read by the tool")


class Built:
    """What the tests run."""

    def __init__(self, wasm, cairn):
        self.wasm, self.cairn = pathlib.Path(wasm).read_bytes(), cairn


if __name__ == "__main__":
    sys.exit(run_tests(globals(), Built(*sys.argv[1:])))
