#if arch(wasm32)
  import Backend
  import Canister
  import Candid

  // Methods for the tests: a put, and then something that ends the message.

  /// Which version of the canister is installed.
  @_expose(wasm, "canister_query version") @c(backend_version)
  public func version() {
    Message.reply(CandidEncoder.message(.text, .text("faulty")))
  }

  /// An explicit trap.
  @_expose(wasm, "canister_update trap_after_put") @c(backend_trap_after_put)
  public func trapAfterPut() {
    put()
    Message.trap("on purpose")
  }

  /// An element behind the end of an array.
  @_expose(wasm, "canister_update overrun_after_put") @c(backend_overrun_after_put)
  public func overrunAfterPut() {
    put()
    let argument = Message.argument()
    Message.reply([argument[argument.count + 1]])
  }

  /// A loop that does not end.
  @_expose(wasm, "canister_update spin_after_put") @c(backend_spin_after_put)
  public func spinAfterPut() {
    put()
    var state: UInt64 = 1
    while state != 0 { state = state &* 6_364_136_223_846_793_005 | 1 }
    Message.reply([UInt8(truncatingIfNeeded: state)])
  }

  /// A query that writes.
  @_expose(wasm, "canister_query put_in_query") @c(backend_put_in_query)
  public func putInQuery() {
    put()
  }
#endif
