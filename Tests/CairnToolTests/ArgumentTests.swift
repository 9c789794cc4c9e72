import Testing

@testable import CairnTool

@Suite("Arguments")
struct ArgumentTests {
  @Test(
    "sizes",
    arguments: [
      ("0", 0), ("4096", 4096), ("1B", 1), ("64KiB", 65_536), ("64kib", 65_536), ("64K", 65_536), ("1GiB", 1 << 30),
      ("1.5GiB", 3 << 29), ("0.5KiB", 512), ("2TiB", 2 << 40), ("1MB", 1_000_000), ("18446744073709551615", UInt64.max),
      ("16777215.9990234375TiB", UInt64.max - (1 << 30) + 1),
    ])
  func sizes(_ text: String, _ byteCount: UInt64) {
    #expect(ByteSize(argument: text)?.byteCount == byteCount)
  }

  @Test(
    "what is no size",
    arguments: [
      "", "KiB", "1 KiB", "-1", "+1", "1.", ".5", "1.2.3KiB", "0.1B", "1.1KiB", "1XiB", "KiB1", "1e3", "0x10",
      "\u{0661}",
      "18446744073709551616", "16777216TiB", "99999999999999999999GiB", "1.0000000000000000000KiB",
    ])
  func notSizes(_ text: String) {
    #expect(ByteSize(argument: text) == nil)
  }

  @Test(
    "sizes for a person",
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1_048_575, "1023.9 KiB"), (1 << 20, "1 MiB"),
      (UInt64.max, "15.9 EiB"),
    ])
  func sizeText(_ byteCount: UInt64, _ text: String) {
    #expect(ByteSize.text(byteCount) == text)
  }

  @Test(
    "lengths of time",
    arguments: [
      ("500ms", 500_000_000), ("10m", 600_000_000_000), ("2h", 7_200_000_000_000), ("1d", 86_400_000_000_000),
      ("1h30m", 5_400_000_000_000), ("1.5s", 1_500_000_000), ("7ns", 7), ("3us", 3_000), ("0s", 0),
    ])
  func times(_ text: String, _ nanoseconds: UInt64) {
    #expect(TimeLength(argument: text)?.nanoseconds == nanoseconds)
  }

  @Test(
    "what is no length of time",
    arguments: ["", "10", "m", "-1m", "10 m", "1x", "1m30", "0.5ns", "99999999999d", "213504d"])
  func notTimes(_ text: String) {
    #expect(TimeLength(argument: text) == nil)
  }

  @Test(
    "lengths of time for a person",
    arguments: [
      (0, "0s"), (1_500_000_000, "1.5s"), (59_900_000_000, "59.9s"), (60_000_000_000, "1m"), (599_000_000_000, "9m59s"),
      (86_400_000_000_000, "1d"), (93_600_000_000_000, "1d2h"), (86_460_000_000_000, "1d"),
    ])
  func timeText(_ nanoseconds: UInt64, _ text: String) {
    #expect(TimeLength.text(nanoseconds: nanoseconds) == text)
  }

  @Test("ranges")
  func ranges() {
    #expect(ByteRangeArgument(argument: "0-99") == .closed(first: 0, last: 99))
    #expect(ByteRangeArgument(argument: "5-5") == .closed(first: 5, last: 5))
    #expect(ByteRangeArgument(argument: "100-") == .from(first: 100))
    #expect(ByteRangeArgument(argument: "-20") == .suffix(count: 20))
  }

  @Test("what is no range", arguments: ["", "-", "5", "9-5", "a-b", "1-2-3", "--5", "1-+2", "18446744073709551616-"])
  func notRanges(_ text: String) {
    #expect(ByteRangeArgument(argument: text) == nil)
  }

  @Test("principals, there and back")
  func principals() {
    #expect(PrincipalArgument(argument: "alice")?.bytes == Array("alice".utf8))
    #expect(PrincipalArgument(argument: "0xDEadBE00")?.bytes == [0xDE, 0xAD, 0xBE, 0x00])
    for bytes in [
      Array("alice".utf8), [0xDE, 0xAD], Array("0x12".utf8), Array("a b".utf8), Array("owner".utf8), [0x0A],
    ] {
      #expect(PrincipalArgument(argument: PrincipalArgument.text(bytes))?.bytes == bytes)
    }
    #expect(PrincipalArgument.text([]) == "owner")
  }

  @Test("what is no principal", arguments: ["", "0x", "0x123", "0xzz", String(repeating: "p", count: 65)])
  func notPrincipals(_ text: String) {
    #expect(PrincipalArgument(argument: text) == nil)
  }

  @Test(
    "any bytes come through the argument parser",
    arguments: [
      [], Array("plain".utf8), Array("gr\u{FC}n \u{1F33F}".utf8), [0xFF], [0x80, 0x41, 0xC3], [0xC3, 0x28],
      [0xE2, 0x82],
      // The private characters themselves, a surrogate, an overlong slash.
      [0xF4, 0x8F, 0xBE, 0x80], [0xF4, 0x8F, 0xBF, 0xBF], [0xED, 0xA0, 0x80], [0xC0, 0xAF], Array(1...255),
    ] as [[UInt8]])
  func bytes(_ bytes: [UInt8]) {
    #expect(ArgumentBytes.unescape(ArgumentBytes.escape(bytes)) == bytes)
  }

  @Test("well-formed text is left alone")
  func plainText() {
    #expect(ArgumentBytes.escape(Array("gr\u{FC}n/\u{1F33F}".utf8)) == "gr\u{FC}n/\u{1F33F}")
  }
}
