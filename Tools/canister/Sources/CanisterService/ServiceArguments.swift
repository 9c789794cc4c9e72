#if arch(wasm32)
  import Candid
  import Canister

  /// The arguments of the method that is called. One that is missing or of another type ends the message, as the interface
  /// description tells every client what a method takes.
  struct ServiceArguments {
    private var decoder: CandidDecoder

    init() {
      do throws(CandidFailure) {
        decoder = try CandidDecoder(Message.argument())
      } catch {
        Message.trap("the argument is no Candid message")
      }
    }

    /// The next argument as a value of a type.
    mutating func value(_ type: CandidType) -> CandidValue {
      do throws(CandidFailure) {
        return try decoder.value(type)
      } catch {
        Message.trap("an argument is missing, or of another type than the method takes: \(type.description)")
      }
    }

    mutating func text() -> String {
      guard case .text(let text) = value(.text) else { Message.trap("an argument is no text") }
      return text
    }

    mutating func nat64() -> UInt64 {
      guard case .nat(let number) = value(.nat64) else { Message.trap("an argument is no number") }
      return number
    }

    mutating func bool() -> Bool {
      guard case .bool(let truth) = value(.bool) else { Message.trap("an argument is no truth value") }
      return truth
    }

    mutating func optionalBlob() -> [UInt8]? {
      guard case .some(.bytes(let bytes)) = value(.optional(.blob)) else { return nil }
      return bytes
    }

    mutating func blob() -> [UInt8] {
      guard case .bytes(let bytes) = value(.blob) else { Message.trap("an argument is no blob") }
      return bytes
    }

    mutating func principal() -> [UInt8] {
      guard case .bytes(let bytes) = value(.principal) else { Message.trap("an argument is no principal") }
      return bytes
    }

    mutating func optionalText() -> String? {
      guard case .some(.text(let text)) = value(.optional(.text)) else { return nil }
      return text
    }

    /// The id of a transaction, or none.
    mutating func transaction() -> UInt64? {
      guard case .some(.nat(let number)) = value(.optional(.nat64)) else { return nil }
      return number
    }
  }
#endif
