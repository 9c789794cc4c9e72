/// A type of Candid, the interface language of canisters, as far as Cairn's canisters use it.
/// Source: the Candid specification, version 0.1.
///
/// A structure rather than an enum: of an indirect enum with so many cases, the compiler (6.3.1, Embedded, wasm32) took one
/// case for another.
public struct CandidType: Equatable, Sendable {
  /// The first byte of the type in a message.
  let code: UInt8
  /// The fields of a record, the cases of a variant; of an optional and a vector, what is in it.
  let parts: [CandidField]

  private init(_ code: UInt8, _ parts: [CandidField] = []) {
    self.code = code
    self.parts = parts
  }

  /// No value.
  public static var null: CandidType { CandidType(CandidCode.null) }
  /// A truth value.
  public static var bool: CandidType { CandidType(CandidCode.bool) }
  /// A byte.
  public static var nat8: CandidType { CandidType(CandidCode.nat8) }
  /// A number of 32 bits.
  public static var nat32: CandidType { CandidType(CandidCode.nat32) }
  /// A number of 64 bits.
  public static var nat64: CandidType { CandidType(CandidCode.nat64) }
  /// A text.
  public static var text: CandidType { CandidType(CandidCode.text) }
  /// A principal.
  public static var principal: CandidType { CandidType(CandidCode.principal) }
  /// Bytes: a vector of `nat8`.
  public static var blob: CandidType { .vector(.nat8) }

  /// A value or none.
  public static func optional(_ inner: CandidType) -> CandidType {
    CandidType(CandidCode.optional, [CandidField("", inner)])
  }

  /// Any number of values.
  public static func vector(_ inner: CandidType) -> CandidType {
    CandidType(CandidCode.vector, [CandidField("", inner)])
  }

  /// Named values.
  public static func record(_ fields: [CandidField]) -> CandidType { CandidType(CandidCode.record, fields) }

  /// One of several named values.
  public static func variant(_ cases: [CandidField]) -> CandidType { CandidType(CandidCode.variant, cases) }

  /// `variant { ok : Success; err : text }`: how the methods answer.
  public static func result(of success: CandidType) -> CandidType {
    .variant([CandidField("ok", success), CandidField("err", .text)])
  }

  /// Whether it is named by its first byte alone.
  var isPrimitive: Bool { code > CandidCode.optional || code == CandidCode.principal }
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
