/// One column of a table.
public struct ColumnDefinition: Sendable {
  /// Its name, 1...64 bytes of UTF-8 without dots.
  public var name: String
  /// What it holds.
  public var type: ColumnType
  /// Whether it may hold null.
  public var isOptional: Bool
  /// What a row gets that does not say.
  public var defaultValue: ColumnDefault?
  /// A row that gives null gets the next number: one more than the largest that the table ever had.
  public var isAutoIncrement: Bool
  /// What is done to a value before it is looked at, in this order.
  public var sanitizers: [Sanitizer]
  /// What a value must obey; null is not asked.
  public var validators: [Validator]

  /// A column.
  public init(
    _ name: String, _ type: ColumnType, isOptional: Bool = false, default defaultValue: ColumnDefault? = nil,
    isAutoIncrement: Bool = false, sanitizers: [Sanitizer] = [], validators: [Validator] = []
  ) {
    self.name = name
    self.type = type
    self.isOptional = isOptional
    self.defaultValue = defaultValue
    self.isAutoIncrement = isAutoIncrement
    self.sanitizers = sanitizers
    self.validators = validators
  }
}

/// What a column holds in a row that does not give a value.
public enum ColumnDefault: Hashable, Sendable {
  /// This value.
  case value(ColumnValue)
  /// The time of the transaction, for timestamps.
  case now
  /// A random identifier, for unique identifiers.
  case randomID
}

/// Changes a value before it is checked and stored.
///
/// The built-in ones are stored with the schema and work on every path. Of one with a closure only the name is stored: a
/// program without the closure can read the table, but not write such a column.
public struct Sanitizer: Sendable {
  /// What is done.
  package enum Rule: Sendable {
    /// ``Sanitizer/trim``
    case trim
    /// ``Sanitizer/lowercase``
    case lowercase
    /// ``Sanitizer/uppercase``
    case uppercase
    /// By name; nil: the program does not have the closure.
    case custom(String, (@Sendable (ColumnValue) -> ColumnValue)?)
  }

  package let rule: Rule

  /// Takes spaces, tabs and line ends off both ends of a string.
  public static let trim = Sanitizer(rule: .trim)
  /// Makes a string lower case, by Unicode's rules that depend on no language.
  public static let lowercase = Sanitizer(rule: .lowercase)
  /// Makes a string upper case, by Unicode's rules that depend on no language.
  public static let uppercase = Sanitizer(rule: .uppercase)

  /// What the closure makes of the value. It must give the same for the same value.
  public static func custom(_ name: String, _ closure: @escaping @Sendable (ColumnValue) -> ColumnValue) -> Sanitizer {
    Sanitizer(rule: .custom(name, closure))
  }

  /// The value as it is to be stored; nil: the closure is not there.
  func applied(to value: ColumnValue) -> ColumnValue? {
    if case .custom(_, let closure) = rule { return closure.map { $0(value) } }
    guard case .string(let text) = value else { return value }
    switch rule {
    case .trim: return .string(Self.trimmed(text))
    case .lowercase: return .string(text.lowercased())
    case .uppercase: return .string(text.uppercased())
    case .custom: return value
    }
  }

  private static func trimmed(_ text: String) -> String {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }
    let bytes = Array(text.utf8)
    guard let first = bytes.firstIndex(where: { !isSpace($0) }), let last = bytes.lastIndex(where: { !isSpace($0) })
    else { return "" }
    return String(decoding: bytes[first...last], as: UTF8.self)
  }

  /// What messages call it.
  package var name: String {
    switch rule {
    case .trim: "trim"
    case .lowercase: "lowercase"
    case .uppercase: "uppercase"
    case .custom(let name, _): name
    }
  }
}

/// Says whether a value may be stored. Built-in ones and ones with closures differ as sanitizers do.
public struct Validator: Sendable {
  /// What is asked.
  package enum Rule: Sendable {
    /// Both bounds, if they are there.
    case range(ColumnValue?, ColumnValue?)
    /// Both bounds.
    case length(UInt32, UInt32)
    /// ``Validator/email``
    case email
    /// ``Validator/url``
    case url
    /// By name; nil: the program does not have the closure.
    case custom(String, (@Sendable (ColumnValue) -> Bool)?)
  }

  package let rule: Rule

  /// From one value to another, both included; nil: no bound on that side.
  public static func range(from minimum: ColumnValue?, to maximum: ColumnValue?) -> Validator {
    Validator(rule: .range(minimum, maximum))
  }

  /// So many bytes of UTF-8 or of a byte string, both bounds included.
  public static func length(from minimum: UInt32 = 0, to maximum: UInt32) -> Validator {
    Validator(rule: .length(minimum, maximum))
  }

  /// A string with one `@` between a local part without spaces and a domain with a dot, at most 254 bytes.
  public static let email = Validator(rule: .email)
  /// A string with a scheme, `://`, a host, and no spaces.
  public static let url = Validator(rule: .url)

  /// What the closure says. It must say the same for the same value.
  public static func custom(_ name: String, _ closure: @escaping @Sendable (ColumnValue) -> Bool) -> Validator {
    Validator(rule: .custom(name, closure))
  }

  /// Whether the value may be stored; nil: the closure is not there.
  func accepts(_ value: ColumnValue) -> Bool? {
    switch rule {
    case .range(let minimum, let maximum):
      if let minimum, value < minimum { return false }
      if let maximum, maximum < value { return false }
      return true
    case .length(let minimum, let maximum):
      let count: Int
      switch value {
      case .string(let text): count = text.utf8.count
      case .bytes(let bytes): count = bytes.count
      default: return true
      }
      return count >= Int(minimum) && count <= Int(maximum)
    case .email: return Self.text(value).map(Self.isEmail) ?? true
    case .url: return Self.text(value).map(Self.isURL) ?? true
    case .custom(_, let closure): return closure.map { $0(value) }
    }
  }

  private static func text(_ value: ColumnValue) -> [UInt8]? {
    guard case .string(let text) = value else { return nil }
    return Array(text.utf8)
  }

  private static func isEmail(_ bytes: [UInt8]) -> Bool {
    guard bytes.count <= 254, !bytes.contains(where: { $0 <= 0x20 || $0 == 0x7F }),
      let at = bytes.firstIndex(of: 0x40), at > 0, bytes.lastIndex(of: 0x40) == at
    else { return false }
    let labels = bytes[(at + 1)...].split(separator: 0x2E, omittingEmptySubsequences: false)
    return labels.count >= 2 && labels.allSatisfy { !$0.isEmpty }
  }

  private static func isURL(_ bytes: [UInt8]) -> Bool {
    guard !bytes.contains(where: { $0 <= 0x20 || $0 == 0x7F }), let colon = bytes.firstIndex(of: 0x3A), colon > 0
    else { return false }
    let first = bytes[0] | 0x20
    guard first >= 0x61, first <= 0x7A, bytes[..<colon].allSatisfy(isSchemeCharacter) else { return false }
    let rest = bytes[(colon + 1)...]
    return rest.count > 2 && rest.starts(with: [0x2F, 0x2F]) && rest[rest.startIndex + 2] != 0x2F
  }

  private static func isSchemeCharacter(_ byte: UInt8) -> Bool {
    let letter = byte | 0x20
    return (letter >= 0x61 && letter <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2B || byte == 0x2D
      || byte == 0x2E
  }

  /// What messages call it.
  package var name: String {
    switch rule {
    case .range: "range"
    case .length: "length"
    case .email: "email"
    case .url: "url"
    case .custom(let name, _): name
    }
  }
}
