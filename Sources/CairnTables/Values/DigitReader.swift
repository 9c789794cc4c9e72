/// Reads the parts of dates and times out of text.
struct DigitReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  /// Nothing is left.
  var isAtEnd: Bool { position == bytes.count }

  /// Steps over a character, if it is next.
  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, UInt32(bytes[position]) == character.value else { return false }
    position += 1
    return true
  }

  private mutating func digit() -> Int? {
    guard position < bytes.count else { return nil }
    let value = bytes[position] &- UInt8(ascii: "0")
    guard value < 10 else { return nil }
    position += 1
    return Int(value)
  }

  /// A number of just so many digits.
  mutating func number(digits: Int) -> Int? {
    var value = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// One to so many digits behind a point, as if all were there; nil when there are none or more.
  mutating func fraction(digits: Int) -> Int? {
    var value = 0
    var count = 0
    while let digit = digit() {
      guard count < digits else { return nil }
      value = value * 10 + digit
      count += 1
    }
    guard count > 0 else { return nil }
    for _ in count..<digits { value *= 10 }
    return value
  }

  /// `YYYY-MM-DD`.
  mutating func date() -> CalendarDate? {
    let isNegative = skip("-")
    guard let year = number(digits: 4), skip("-"), let month = number(digits: 2), skip("-"),
      let day = number(digits: 2), !(isNegative && year == 0)
    else { return nil }
    return CalendarDate(year: isNegative ? -year : year, month: month, day: day)
  }

  /// `Z`, or `+HH:MM` or `-HH:MM`: minutes east of UTC.
  mutating func offsetMinutes() -> Int? {
    if skip("Z") || skip("z") { return 0 }
    let isWest = skip("-")
    guard isWest || skip("+"), let hours = number(digits: 2), hours < 24, skip(":"),
      let minutes = number(digits: 2), minutes < 60
    else { return nil }
    return (isWest ? -1 : 1) * (hours * 60 + minutes)
  }

  /// A number that is not negative, with zeros in front up to so many digits.
  static func text(_ value: Int, digits: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}
