"""What the tests of canisters share."""

import hashlib

import replica
from candid import decode, encode, field_id

ENGINE = replica.make_engine()
OWNER, OTHER = b"\x01\x02\x03", b"\x0a\x0b"
MIB = 1 << 20


class Failure(Exception):
    """A test that found something else than it expects."""


def expect(condition, text):
    if not condition:
        raise Failure(text)


def result(outcome):
    """The `ok` of a reply."""
    expect(outcome.is_ok, f"the message trapped: {outcome.error}")
    case, value = decode(outcome.reply)
    expect(case == field_id("ok"), f"the canister refused: {value}")
    return value


def refusal(outcome):
    """The `err` of a reply."""
    expect(outcome.is_ok, f"the message trapped: {outcome.error}")
    case, value = decode(outcome.reply)
    expect(case == field_id("err"), f"the canister agreed: {value}")
    return value


def update(canister, method, *arguments, caller=None):
    return canister.update(method, encode(*arguments), caller)


def query(canister, method, *arguments, caller=None):
    return canister.query(method, encode(*arguments), caller)


def field(record, name):
    return record[field_id(name)]


def contents(size, seed):
    """Bytes that a seed decides."""
    return hashlib.shake_128(seed.encode()).digest(size)


def run_tests(names, built):
    """Runs the functions whose names begin with `test_`; the exit status."""
    failed = 0
    for name, test in list(names.items()):
        if not name.startswith("test_"):
            continue
        try:
            test(built)
            print(f"ok      {name[5:]}", flush=True)
        except Failure as failure:
            failed += 1
            print(f"FAILED  {name[5:]}: {failure}", flush=True)
    return 1 if failed else 0
