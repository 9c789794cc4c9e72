#if arch(wasm32)
  import Backend
  import Canister
  import Candid

  /// `version : () -> (text) query`: which version of the canister is installed.
  @_expose(wasm, "canister_query version") @c(backend_version)
  public func version() {
    Message.reply(CandidEncoder.message(.text, .text("two")))
  }

  /// `greet : (text) -> (text) query`: a method that only this version has.
  @_expose(wasm, "canister_query greet") @c(backend_greet)
  public func greet() {
    do throws(CandidFailure) {
      var arguments = try CandidDecoder(Message.argument())
      Message.reply(CandidEncoder.message(.text, .text("hello, \(try arguments.text())")))
    } catch {
      Message.trap("greet takes a text")
    }
  }
#endif
