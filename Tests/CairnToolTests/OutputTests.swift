import Testing

@testable import CairnTool

@Suite("Output")
struct OutputTests {
  @Test("a JSON object on one line")
  func object() {
    var inner = JSONLine()
    inner.add("count", 3)
    var line = JSONLine()
    line.add("name", "a\"b\\c\n\t\u{1}\u{7F}\u{FC}")
    line.add("bytes", UInt64.max)
    line.add("valid", true)
    line.add("none", nil as String?)
    line.add("list", ["x", "y"])
    line.add("inner", inner)
    line.add("inners", [inner, inner])
    #expect(
      line.text
        == #"{"name":"a\"b\\c\n\t\u0001\u007f\#u{FC}","bytes":18446744073709551615,"valid":true,"none":null,"#
        + #""list":["x","y"],"inner":{"count":3},"inners":[{"count":3},{"count":3}]}"#)
  }

  @Test("a name that is no UTF-8 stands in JSON twice, once exactly")
  func names() {
    var line = JSONLine()
    line.add(bytes: Array("plain".utf8), "key")
    #expect(line.text == #"{"key":"plain"}"#)
    line = JSONLine()
    line.add(bytes: [0x61, 0xFF], "key")
    #expect(line.text == "{\"key\":\"a\u{FFFD}\",\"keyHex\":\"61ff\"}")
  }

  @Test(
    "moments",
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
      (1_709_164_799_999_999_999, "2024-02-28T23:59:59.999Z"), (1_709_251_199_000_000_000, "2024-02-29T23:59:59.000Z"),
      (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"), (UInt64.max, "2554-07-21T23:34:33.709Z"),
    ])
  func moments(_ nanoseconds: UInt64, _ text: String) {
    #expect(Timestamp.text(nanoseconds: nanoseconds) == text)
  }

  @Test("names on one line, with nothing that a terminal obeys")
  func visible() {
    #expect(Text.visible("plain \u{FC}\u{1F33F}") == "plain \u{FC}\u{1F33F}")
    #expect(Text.visible("a\nb\t\u{1B}[31m") == "a\\nb\\t\\x1b[31m")
    #expect(Text.visible([0x61, 0xFF, 0xC3, 0x28]) == "a\\xff\\xc3(")
    #expect(Text.visible("\u{9B}\u{202E}") == "\\xc2\\x9b\\xe2\\x80\\xae")
  }

  @Test("the progress bar fits the terminal", arguments: [1, 10, 40, 60, 80, 200])
  func progress(_ width: Int) {
    let picture = ProgressBar.picture("importing", done: 5 << 20, total: 10 << 20, seconds: 2, width: width)
    #expect(picture.count == max(0, width - 1))
    #expect(width < 80 || picture.hasPrefix("importing [#"))
    #expect(width < 80 || picture.contains(" 50%     5 MiB of 10 MiB     2.5 MiB/s"))
    #expect(ProgressBar.picture("x", done: 9, total: 3, seconds: 0, width: width).count == max(0, width - 1))
    #expect(ProgressBar.picture("x", done: 9, total: nil, seconds: 0, width: width).count == max(0, width - 1))
  }

  @Test("file times, there and back")
  func fileTimes() {
    for time in [
      FileTime(seconds: 0, nanoseconds: 0), FileTime(seconds: -5, nanoseconds: 7),
      FileTime(seconds: 1_700_000_000, nanoseconds: 123_456_789),
    ] {
      #expect(FileTime(time.text) == time)
    }
    #expect(FileTime("12.5") == FileTime(seconds: 12, nanoseconds: 500_000_000))
    #expect(FileTime("12.3456789019") == FileTime(seconds: 12, nanoseconds: 345_678_901))
    for text in ["", ".", "1.", "x", "1.x", "1.2.3", "99999999999999999999"] { #expect(FileTime(text) == nil) }
  }
}
