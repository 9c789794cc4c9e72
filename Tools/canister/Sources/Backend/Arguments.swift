#if arch(wasm32)
  import Candid
  import Canister

  /// The arguments of the method that is called. One that is missing or of another type ends the message, as the
  /// interface description tells every client what a method takes.
  struct Arguments {
    private var decoder: CandidDecoder

    init() {
      do throws(CandidFailure) {
        decoder = try CandidDecoder(Message.argument())
      } catch {
        Message.trap("the argument is no Candid message")
      }
    }

    mutating func text() -> String {
      read { (decoder) throws(CandidFailure) in try decoder.text() }
    }

    mutating func nat64() -> UInt64 {
      read { (decoder) throws(CandidFailure) in try decoder.nat64() }
    }

    mutating func blob() -> [UInt8] {
      read { (decoder) throws(CandidFailure) in try decoder.blob() }
    }

    mutating func principal() -> [UInt8] {
      read { (decoder) throws(CandidFailure) in try decoder.principal() }
    }

    mutating func optionalText() -> String? {
      read { (decoder) throws(CandidFailure) in try decoder.optionalText() }
    }

    private mutating func read<Value>(_ body: (inout CandidDecoder) throws(CandidFailure) -> Value) -> Value {
      do throws(CandidFailure) {
        return try body(&decoder)
      } catch {
        Message.trap("an argument is missing, or of another type than the method takes")
      }
    }
  }
#endif
