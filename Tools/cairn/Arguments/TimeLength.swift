internal import ArgumentParser

/// A length of time as a person writes it: `500ms`, `10m`, `1h30m`, `1d`.
struct TimeLength: ExpressibleByArgument, Hashable, Sendable {
  /// The length.
  let nanoseconds: UInt64

  /// A length in nanoseconds.
  init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// From text; nil when a unit is missing or unknown, or the length is beyond 64 bits of nanoseconds (584 years).
  init?(argument: String) {
    var total: UInt64 = 0
    var rest = argument[...]
    guard !rest.isEmpty else { return nil }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
      rest = rest.dropFirst(digits.count)
      let unit = rest.prefix { $0.isLetter }
      rest = rest.dropFirst(unit.count)
      guard let scale = Self.units[String(unit)], let part = Decimal(digits)?.scaled(by: scale) else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard !overflow else { return nil }
      total = sum
    }
    nanoseconds = total
  }

  private static let units: [String: UInt64] = [
    "ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000,
    "m": 60_000_000_000, "h": 3_600_000_000_000, "d": 86_400_000_000_000,
  ]

  /// The length for a person: its two largest units (`1d2h`, `9m59s`, `1.5s`).
  static func text(nanoseconds: UInt64) -> String {
    let tenths = nanoseconds / 100_000_000
    if tenths < 600 { return tenths % 10 == 0 ? "\(tenths / 10)s" : "\(tenths / 10).\(tenths % 10)s" }
    let seconds = nanoseconds / 1_000_000_000
    let parts = [(seconds / 86_400, "d"), (seconds / 3_600 % 24, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")]
    return parts.drop { $0.0 == 0 }.prefix(2).filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
  }

  var defaultValueDescription: String { Self.text(nanoseconds: nanoseconds) }
}
