/// A point in time: nanoseconds since 1970-01-01T00:00:00Z without leap seconds, from 1677-09-21 to 2262-04-11.
public struct Timestamp: Hashable, Sendable {
  /// Nanoseconds since 1970-01-01T00:00:00Z; negative before.
  public let nanosecondsSince1970: Int64

  /// A point in time by its distance from 1970-01-01T00:00:00Z.
  public init(nanosecondsSince1970: Int64) {
    self.nanosecondsSince1970 = nanosecondsSince1970
  }

  private static let nanosecondsPerSecond: Int64 = 1_000_000_000
  private static let secondsPerDay: Int64 = 86_400
}

extension Timestamp: Comparable {
  /// The earlier one first.
  public static func < (left: Self, right: Self) -> Bool { left.nanosecondsSince1970 < right.nanosecondsSince1970 }
}

extension Timestamp {
  /// From RFC 3339's form, `2026-11-25T13:18:35.123456789Z`: a space may stand for the `T`, an offset like `+02:00` for the
  /// `Z`; up to nine digits of a second. nil for any other text and for times out of range.
  public init?(_ text: String) {
    var reader = DigitReader(text)
    guard let date = reader.date(), reader.skip("T") || reader.skip("t") || reader.skip(" "),
      let hour = reader.number(digits: 2), hour < 24, reader.skip(":"),
      let minute = reader.number(digits: 2), minute < 60, reader.skip(":"),
      let second = reader.number(digits: 2), second < 60
    else { return nil }
    var nanoseconds = 0
    if reader.skip(".") {
      guard let fraction = reader.fraction(digits: 9) else { return nil }
      nanoseconds = fraction
    }
    guard let offsetMinutes = reader.offsetMinutes(), reader.isAtEnd else { return nil }
    let minutes = Int64(hour * 60 + minute - offsetMinutes)
    let seconds = Int64(date.daysSince1970) * Self.secondsPerDay + minutes * 60 + Int64(second)
    // The earliest second is only in part in range, so a whole second is never more than one step outside.
    let whole = seconds.multipliedFullWidth(by: Self.nanosecondsPerSecond)
    let total = Int128(whole.high) << 64 | Int128(whole.low)
    guard let value = Int64(exactly: total + Int128(nanoseconds)) else { return nil }
    self.init(nanosecondsSince1970: value)
  }
}

extension Timestamp: CustomStringConvertible {
  /// RFC 3339 in UTC, with as many digits of a second as it has: `2026-11-25T13:18:35Z`.
  public var description: String {
    let perSecond = Self.nanosecondsPerSecond
    // Rounded down, also before 1970.
    let seconds = nanosecondsSince1970 / perSecond - (nanosecondsSince1970 % perSecond < 0 ? 1 : 0)
    let nanoseconds = nanosecondsSince1970 &- seconds &* perSecond
    let days = seconds / Self.secondsPerDay - (seconds % Self.secondsPerDay < 0 ? 1 : 0)
    let secondOfDay = Int(seconds - days * Self.secondsPerDay)
    guard let date = CalendarDate(daysSince1970: Int32(days)) else { preconditionFailure("every timestamp has a date") }
    var text = date.description + "T" + DigitReader.text(secondOfDay / 3600, digits: 2)
    text += ":" + DigitReader.text(secondOfDay / 60 % 60, digits: 2)
    text += ":" + DigitReader.text(secondOfDay % 60, digits: 2)
    if nanoseconds != 0 {
      var digits = Array(DigitReader.text(Int(nanoseconds), digits: 9).utf8)
      while digits.last == UInt8(ascii: "0") { digits.removeLast() }
      text += "." + String(decoding: digits, as: UTF8.self)
    }
    return text + "Z"
  }
}
