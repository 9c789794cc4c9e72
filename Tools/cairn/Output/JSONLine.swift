/// One JSON object, written on one line with its keys in the order in which they are added.
struct JSONLine {
  private var fields = ""

  /// An object without fields.
  init() {}

  /// The object as text, without a line end.
  var text: String { "{" + fields + "}" }

  /// Adds a number.
  mutating func add(_ key: StaticString, _ value: UInt64) {
    append(key, String(value))
  }

  /// Adds a number.
  mutating func add(_ key: StaticString, _ value: Int) {
    append(key, String(value))
  }

  /// Adds true or false.
  mutating func add(_ key: StaticString, _ value: Bool) {
    append(key, value ? "true" : "false")
  }

  /// Adds text; nil is `null`.
  mutating func add(_ key: StaticString, _ value: String?) {
    append(key, value.map(Self.quoted) ?? "null")
  }

  /// Adds a list of texts.
  mutating func add(_ key: StaticString, _ values: [String]) {
    append(key, "[" + values.map(Self.quoted).joined(separator: ",") + "]")
  }

  /// Adds an object.
  mutating func add(_ key: StaticString, _ value: JSONLine) {
    append(key, value.text)
  }

  /// Adds a list of objects.
  mutating func add(_ key: StaticString, _ values: [JSONLine]) {
    append(key, "[" + values.map(\.text).joined(separator: ",") + "]")
  }

  /// Adds a value that is JSON already.
  mutating func add(json value: String, _ key: StaticString) {
    append(key, value)
  }

  /// Adds a name that may be any bytes: as text when it is UTF-8, otherwise as text with U+FFFD for what is not, and
  /// the exact bytes in hexadecimal under the same key with `Hex` behind it.
  mutating func add(bytes: [UInt8], _ key: StaticString) {
    if let exact = Text.exact(bytes) {
      append(key, Self.quoted(exact))
    } else {
      append(key, Self.quoted(String(decoding: bytes, as: UTF8.self)))
      append("\(key)Hex", Self.quoted(Text.hexadecimal(bytes)))
    }
  }

  private mutating func append(_ key: StaticString, _ value: String) {
    append("\(key)", value)
  }

  private mutating func append(_ key: String, _ value: String) {
    if !fields.isEmpty { fields += "," }
    fields += Self.quoted(key) + ":" + value
  }

  /// The text as a JSON string.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F:
        quoted += "\\u00" + Text.hexadecimal([UInt8(scalar.value)])
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
