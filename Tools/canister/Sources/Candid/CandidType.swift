/// A type of Candid, the interface language of canisters, as far as Cairn's canisters use it.
/// Source: the Candid specification, version 0.1.
public indirect enum CandidType: Equatable, Sendable {
  case null, bool, nat8, nat32, nat64, text, principal
  case optional(CandidType)
  case vector(CandidType)
  case record([CandidField])
  case variant([CandidField])

  /// Bytes: a vector of `nat8`.
  public static var blob: CandidType { .vector(.nat8) }

  /// `variant { ok : Success; err : text }`: how the methods answer.
  public static func result(of success: CandidType) -> CandidType {
    .variant([CandidField("ok", success), CandidField("err", .text)])
  }

  /// The number of a type that needs no entry in the type table.
  var primitiveCode: UInt8? {
    switch self {
    case .null: CandidCode.null
    case .bool: CandidCode.bool
    case .nat8: CandidCode.nat8
    case .nat32: CandidCode.nat32
    case .nat64: CandidCode.nat64
    case .text: CandidCode.text
    case .principal: CandidCode.principal
    case .optional, .vector, .record, .variant: nil
    }
  }
}

/// A field of a record, or a case of a variant.
public struct CandidField: Equatable, Sendable {
  /// What stands for the name in a message.
  let id: UInt32
  let type: CandidType

  /// A field of its name and type.
  public init(_ name: String, _ type: CandidType) {
    var hash: UInt32 = 0
    for byte in name.utf8 { hash = hash &* 223 &+ UInt32(byte) }
    id = hash
    self.type = type
  }
}

/// A value for a type; of records and variants in the order in which the type names the fields.
public indirect enum CandidValue: Sendable {
  case null
  case bool(Bool)
  case nat(UInt64)
  case text(String)
  case bytes([UInt8])
  case none
  case some(CandidValue)
  case vector([CandidValue])
  case record([CandidValue])
  case variant(Int, CandidValue)
}

/// The first byte of types in messages.
enum CandidCode {
  static let null: UInt8 = 0x7F
  static let bool: UInt8 = 0x7E
  static let nat: UInt8 = 0x7D
  static let nat8: UInt8 = 0x7B
  static let nat32: UInt8 = 0x79
  static let nat64: UInt8 = 0x78
  static let text: UInt8 = 0x71
  static let principal: UInt8 = 0x68
  static let optional: UInt8 = 0x6E
  static let vector: UInt8 = 0x6D
  static let record: UInt8 = 0x6C
  static let variant: UInt8 = 0x6B
}

/// What every message begins with.
let candidMagic: [UInt8] = [0x44, 0x49, 0x44, 0x4C]

/// Why an argument could not be read.
public enum CandidFailure: Error, Equatable, Sendable {
  /// These bytes are no message.
  case malformed
  /// An argument is missing, or of another type than the method takes.
  case unexpectedType
}
