import CairnTables
import CairnTestSupport
import Testing

@Suite("Dates, times and identifiers")
struct DateTests {
  @Test(
    "knows the calendar",
    arguments: [
      ("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2000-03-01", 11_017), ("1900-03-01", -25_508),
      ("0000-01-01", -719_528), ("9999-12-31", 2_932_896), ("-9999-01-01", -4_371_587), ("2026-11-25", 20_782),
    ])
  func days(text: String, days: Int32) throws {
    let date = try #require(CalendarDate(text))
    #expect(date.daysSince1970 == days)
    #expect(date.description == text)
  }

  /// Every day of 800 years, counted up one by one.
  @Test("counts every day")
  func everyDay() throws {
    var date = try #require(CalendarDate(year: 1599, month: 12, day: 31))
    for _ in 0..<292_194 {
      let next = try #require(CalendarDate(daysSince1970: date.daysSince1970 + 1))
      let (year, month, day) = date.components
      let sameMonth = CalendarDate(year: year, month: month, day: day + 1)
      let nextMonth = month < 12 ? CalendarDate(year: year, month: month + 1, day: 1) : nil
      let expected = sameMonth ?? nextMonth ?? CalendarDate(year: year + 1, month: 1, day: 1)
      guard next == expected else {
        Issue.record("the day after \(date) is \(next)")
        return
      }
      date = next
    }
    #expect(date.description == "2399-12-31")
  }

  @Test("refuses days that are none")
  func noDays() {
    #expect(CalendarDate(year: 2100, month: 2, day: 29) == nil)
    #expect(CalendarDate(year: 2000, month: 4, day: 31) == nil)
    #expect(CalendarDate(year: 10_000, month: 1, day: 1) == nil)
    #expect(CalendarDate(year: 2000, month: 0, day: 1) == nil)
    #expect(CalendarDate(daysSince1970: CalendarDate.dayRange.upperBound + 1) == nil)
    #expect(CalendarDate(daysSince1970: CalendarDate.dayRange.lowerBound - 1) == nil)
    #expect(CalendarDate("-0000-01-01") == nil)
  }

  @Test(
    "reads times in every form",
    arguments: [
      ("1970-01-01T00:00:00Z", 0), ("1970-01-01 00:00:01z", 1_000_000_000),
      ("1970-01-01T02:00:00.5+02:00", 500_000_000),
      ("1969-12-31T23:59:59.999999999Z", -1), ("1969-12-31T20:30:00-03:30", 0),
      ("2262-04-11T23:47:16.854775807Z", Int64.max), ("1677-09-21T00:12:43.145224192Z", Int64.min),
    ])
  func times(text: String, nanoseconds: Int64) throws {
    #expect(try #require(Timestamp(text)).nanosecondsSince1970 == nanoseconds)
  }

  @Test("prints times in UTC, with no more digits than they have")
  func timeText() {
    #expect(Timestamp(nanosecondsSince1970: 0).description == "1970-01-01T00:00:00Z")
    #expect(Timestamp(nanosecondsSince1970: -1).description == "1969-12-31T23:59:59.999999999Z")
    #expect(Timestamp(nanosecondsSince1970: 1_500_000_000).description == "1970-01-01T00:00:01.5Z")
    #expect(Timestamp(nanosecondsSince1970: .min).description == "1677-09-21T00:12:43.145224192Z")
    #expect(Timestamp("2262-04-11T23:47:16.854775808Z") == nil)
    #expect(Timestamp("1677-09-21T00:12:43.145224191Z") == nil)
  }

  @Test("identifiers are read in either case and printed in lower case")
  func identifiers() throws {
    let text = "018f3c1e-7b2a-7c4d-9e5f-0123456789ab"
    let id = try #require(UniqueID(text.uppercased()))
    #expect(id == UniqueID(high: 0x018f_3c1e_7b2a_7c4d, low: 0x9e5f_0123_4567_89ab))
    #expect(id.description == text)
    var random = SeededGenerator(seed: 1)
    let made = UniqueID.random(using: &random)
    #expect(made.high >> 12 & 15 == 4)
    #expect(made.low >> 62 == 2)
  }
}
