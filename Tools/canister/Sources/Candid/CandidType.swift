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
  /// A number of 16 bits.
  public static var nat16: CandidType { CandidType(CandidCode.nat16) }
  /// A number of 32 bits.
  public static var nat32: CandidType { CandidType(CandidCode.nat32) }
  /// A number of 64 bits.
  public static var nat64: CandidType { CandidType(CandidCode.nat64) }
  /// A signed number of 8 bits.
  public static var int8: CandidType { CandidType(CandidCode.int8) }
  /// A signed number of 16 bits.
  public static var int16: CandidType { CandidType(CandidCode.int16) }
  /// A signed number of 32 bits.
  public static var int32: CandidType { CandidType(CandidCode.int32) }
  /// A signed number of 64 bits.
  public static var int64: CandidType { CandidType(CandidCode.int64) }
  /// A floating-point number of 64 bits.
  public static var float64: CandidType { CandidType(CandidCode.float64) }
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

  /// Bytes of a number; nil for what is none.
  var numberByteCount: Int? {
    switch code {
    case CandidCode.nat8, CandidCode.int8: 1
    case CandidCode.nat16, CandidCode.int16: 2
    case CandidCode.nat32, CandidCode.int32: 4
    case CandidCode.nat64, CandidCode.int64, CandidCode.float64: 8
    default: nil
    }
  }

  /// Whether it is a number with a sign.
  var isSigned: Bool { code >= CandidCode.int64 && code <= CandidCode.int8 }
}

extension CandidType: CustomStringConvertible {
  /// The type as interface descriptions write it: `record { id : int64; name : text }`.
  public var description: String {
    switch code {
    case CandidCode.null: "null"
    case CandidCode.bool: "bool"
    case CandidCode.nat8: "nat8"
    case CandidCode.nat16: "nat16"
    case CandidCode.nat32: "nat32"
    case CandidCode.nat64: "nat64"
    case CandidCode.int8: "int8"
    case CandidCode.int16: "int16"
    case CandidCode.int32: "int32"
    case CandidCode.int64: "int64"
    case CandidCode.float64: "float64"
    case CandidCode.text: "text"
    case CandidCode.principal: "principal"
    case CandidCode.optional: "opt \(parts[0].type.description)"
    case CandidCode.vector: parts[0].type == .nat8 ? "blob" : "vec \(parts[0].type.description)"
    case CandidCode.record: "record { " + parts.map { $0.description }.joined(separator: "; ") + " }"
    default: "variant { " + parts.map { $0.description }.joined(separator: "; ") + " }"
    }
  }
}

/// A field of a record, or a case of a variant.
public struct CandidField: Equatable, Sendable {
  /// Its name.
  public let name: String
  /// What stands for the name in a message.
  let id: UInt32
  let type: CandidType

  /// A field of its name and type.
  public init(_ name: String, _ type: CandidType) {
    var hash: UInt32 = 0
    for byte in name.utf8 { hash = hash &* 223 &+ UInt32(byte) }
    id = hash
    self.name = name
    self.type = type
  }

  /// Equal: the same type under a name that means the same.
  public static func == (left: CandidField, right: CandidField) -> Bool {
    left.id == right.id && left.type == right.type
  }

  /// As interface descriptions write it; a case without a value by its name alone. A name that is none of theirs stands in quotes.
  var description: String {
    let isPlain = name.utf8.enumerated().allSatisfy { (index, byte) in
      byte == 0x5F || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || (index > 0 && byte >= 0x30 && byte <= 0x39)
    }
    let written = isPlain ? name : "\"\(name)\""
    return type == .null ? written : "\(written) : \(type.description)"
  }
}

/// A value for a type; of records and variants in the order in which the type names the fields.
public indirect enum CandidValue: Sendable {
  case null
  case bool(Bool)
  /// A number; a signed one or a float by its bits.
  case nat(UInt64)
  case text(String)
  case bytes([UInt8])
  case none
  case some(CandidValue)
  case vector([CandidValue])
  case record([CandidValue])
  case variant(Int, CandidValue)

  /// A signed number.
  public static func int(_ number: Int64) -> CandidValue { .nat(UInt64(bitPattern: number)) }

  /// A floating-point number.
  public static func float(_ number: Double) -> CandidValue { .nat(number.bitPattern) }
}

/// The first byte of types in messages.
enum CandidCode {
  static let null: UInt8 = 0x7F
  static let bool: UInt8 = 0x7E
  static let nat: UInt8 = 0x7D
  static let int: UInt8 = 0x7C
  static let nat8: UInt8 = 0x7B
  static let nat16: UInt8 = 0x7A
  static let nat32: UInt8 = 0x79
  static let nat64: UInt8 = 0x78
  static let int8: UInt8 = 0x77
  static let int16: UInt8 = 0x76
  static let int32: UInt8 = 0x75
  static let int64: UInt8 = 0x74
  static let float32: UInt8 = 0x73
  static let float64: UInt8 = 0x72
  static let text: UInt8 = 0x71
  static let reserved: UInt8 = 0x70
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
