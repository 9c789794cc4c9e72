/// A day of the Gregorian calendar, without a time and a zone: years -9999...9999, year 0 being 1 BC.
public struct CalendarDate: Hashable, Sendable {
  /// Days since 1970-01-01; negative before.
  public let daysSince1970: Int32

  /// The days of the years -9999...9999.
  public static let dayRange: ClosedRange<Int32> = -4_371_587...2_932_896

  /// A day by its distance from 1970-01-01; nil outside of ``dayRange``.
  public init?(daysSince1970: Int32) {
    guard Self.dayRange.contains(daysSince1970) else { return nil }
    self.daysSince1970 = daysSince1970
  }

  /// A day by year, month (1...12) and day of the month (1...31); nil when there is no such day.
  public init?(year: Int, month: Int, day: Int) {
    guard (-9999...9999).contains(year), (1...12).contains(month) else { return nil }
    guard day >= 1, day <= Self.dayCount(ofMonth: month, year: year) else { return nil }
    // H. Hinnant, "chrono-compatible low-level date algorithms": years that begin in March put the leap day last, and
    // eras of 400 years all have 146,097 days.
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    daysSince1970 = Int32(era * 146_097 + dayOfEra - 719_468)
  }

  /// Year, month and day of the month.
  public var components: (year: Int, month: Int, day: Int) {
    let shifted = Int(daysSince1970) + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
  }

  private static func dayCount(ofMonth month: Int, year: Int) -> Int {
    let isLeapYear = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    switch month {
    case 2: return isLeapYear ? 29 : 28
    case 4, 6, 9, 11: return 30
    default: return 31
    }
  }
}

extension CalendarDate {
  /// From `YYYY-MM-DD`, with a minus before the year for years before 0; nil for any other text.
  public init?(_ text: String) {
    var reader = DigitReader(text)
    guard let date = reader.date(), reader.isAtEnd else { return nil }
    self = date
  }
}

extension CalendarDate: Comparable {
  /// The earlier day first.
  public static func < (left: Self, right: Self) -> Bool { left.daysSince1970 < right.daysSince1970 }
}

extension CalendarDate: CustomStringConvertible {
  /// `YYYY-MM-DD`.
  public var description: String {
    let (year, month, day) = components
    return (year < 0 ? "-" : "") + DigitReader.text(abs(year), digits: 4) + "-" + DigitReader.text(month, digits: 2)
      + "-" + DigitReader.text(day, digits: 2)
  }
}
