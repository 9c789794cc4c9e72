/// Reads comma-separated values (RFC 4180): fields in quotes may hold delimiters, line ends and doubled quotes; lines end
/// with LF or CRLF, the last one may lack it.
///
/// It is strict: a quote inside a field without quotes, text behind a closing quote, or a quote that is never closed is an
/// error with its line.
final class CSVReader {
  /// One field.
  struct Field: Equatable {
    /// Its text, without the quotes.
    var text: String
    /// Whether it stood in quotes: `""` is an empty text, nothing at all is no value.
    var isQuoted: Bool
  }

  private let input: InputBytes
  private let delimiter: UInt8
  private static let quote = UInt8(ascii: "\"")
  private static let lineFeed = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")

  /// Most bytes of a record, line ends in quotes included.
  static let recordByteCountMax = 16 << 20

  /// The line on which the last record began.
  private(set) var recordLine: UInt64 = 1
  private var recordByteCount = 0

  /// Reads from an input to its end.
  init(_ input: InputBytes, delimiter: UInt8 = UInt8(ascii: ",")) {
    self.input = input
    self.delimiter = delimiter
  }

  /// The next record; nil at the end. Empty lines are no records.
  func next() throws -> [Field]? {
    while let byte = try input.peek(), byte == Self.lineFeed || byte == Self.carriageReturn {
      _ = try input.next()
    }
    guard try input.peek() != nil else { return nil }
    recordLine = input.line
    recordByteCount = 0
    var fields: [Field] = []
    while true {
      let (field, isLast) = try nextField()
      fields.append(field)
      if isLast { return fields }
    }
  }

  private func nextField() throws -> (Field, isLast: Bool) {
    if try input.peek() == Self.quote { return try quotedField() }
    var bytes: [UInt8] = []
    while true {
      let byte = try input.next()
      switch byte {
      case nil, Self.lineFeed:
        if bytes.last == Self.carriageReturn { bytes.removeLast() }
        return (Field(text: try text(bytes), isQuoted: false), true)
      case delimiter: return (Field(text: try text(bytes), isQuoted: false), false)
      case Self.quote: throw failure("a quote inside a field that does not begin with one")
      case let byte?: try append(byte, to: &bytes)
      }
    }
  }

  private func quotedField() throws -> (Field, isLast: Bool) {
    let start = input.line
    _ = try input.next()
    var bytes: [UInt8] = []
    while true {
      guard let byte = try input.next() else {
        throw Failure("line \(start): a field's quotes are never closed", .usage)
      }
      guard byte == Self.quote else {
        try append(byte, to: &bytes)
        continue
      }
      if try input.peek() == Self.quote {
        _ = try input.next()
        try append(Self.quote, to: &bytes)
        continue
      }
      let field = Field(text: try text(bytes), isQuoted: true)
      let line = input.line
      switch try input.next() {
      case nil, Self.lineFeed: return (field, true)
      case delimiter: return (field, false)
      case Self.carriageReturn where try endsLine(): return (field, true)
      default: throw Failure("line \(line): text behind a field's closing quote", .usage)
      }
    }
  }

  /// Steps over the line feed behind a carriage return.
  private func endsLine() throws -> Bool {
    guard let byte = try input.peek() else { return true }
    guard byte == Self.lineFeed else { return false }
    _ = try input.next()
    return true
  }

  private func append(_ byte: UInt8, to bytes: inout [UInt8]) throws {
    recordByteCount += 1
    guard recordByteCount <= Self.recordByteCountMax else {
      throw failure("more than \(Self.recordByteCountMax) bytes in one record; is a quote missing?")
    }
    bytes.append(byte)
  }

  private func text(_ bytes: [UInt8]) throws -> String {
    guard let text = Text.exact(bytes) else { throw failure("text that is not UTF-8") }
    return text
  }

  private func failure(_ what: String) -> Failure { Failure("line \(recordLine): \(what)", .usage) }
}

/// Writes comma-separated values that ``CSVReader`` reads back.
enum CSVWriter {
  /// A record without its line end. A field that is nil is written as nothing, an empty text as two quotes.
  static func line(_ fields: [String?]) -> String {
    fields.map { field in
      guard let field else { return "" }
      let needsQuotes = field.isEmpty || field.utf8.contains { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }
      return needsQuotes ? "\"" + doublingQuotes(field) + "\"" : field
    }.joined(separator: ",")
  }

  private static func doublingQuotes(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if byte == 0x22 { bytes.append(byte) }
      bytes.append(byte)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
