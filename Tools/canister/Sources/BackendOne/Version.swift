#if arch(wasm32)
  import Backend
  import Canister
  import Candid

  /// `version : () -> (text) query`: which version of the canister is installed.
  @_expose(wasm, "canister_query version") @c(backend_version)
  public func version() {
    Message.reply(CandidEncoder.message(.text, .text("one")))
  }
#endif
