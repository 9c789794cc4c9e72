internal import ArgumentParser

/// A number of bytes as a person writes it: `4096`, `64KiB`, `1.5GiB`, `100MB`.
struct ByteSize: ExpressibleByArgument, Hashable, Sendable {
  /// How many bytes.
  let byteCount: UInt64

  /// So many bytes.
  init(_ byteCount: UInt64) {
    self.byteCount = byteCount
  }

  /// From text; nil when it is not a size, is not whole bytes, or is beyond 64 bits.
  init?(argument: String) {
    let digits = argument.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = argument.dropFirst(digits.count).lowercased()
    guard let scale = Self.units[unit], let amount = Decimal(digits), let count = amount.scaled(by: scale) else {
      return nil
    }
    byteCount = count
  }

  private static let units: [String: UInt64] = [
    "": 1, "b": 1,
    "k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30,
    "t": 1 << 40, "tib": 1 << 40, "p": 1 << 50, "pib": 1 << 50,
    "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000, "tb": 1_000_000_000_000,
  ]

  /// The size for a person: at most one decimal, the largest binary unit that leaves a number of at least one.
  static func text(_ byteCount: UInt64) -> String {
    let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var unit = 0
    while unit + 1 < names.count, byteCount >> (10 * UInt64(unit + 1)) > 0 { unit += 1 }
    guard unit > 0 else { return "\(byteCount) B" }
    let whole = byteCount >> (10 * UInt64(unit))
    let rest = byteCount & ((1 << (10 * UInt64(unit))) - 1)
    // One decimal, cut rather than rounded: what is said to be free is there.
    let tenth = (rest >> (10 * UInt64(unit - 1))) * 10 / 1024
    return tenth == 0 ? "\(whole) \(names[unit])" : "\(whole).\(tenth) \(names[unit])"
  }

  var defaultValueDescription: String {
    Self.text(byteCount).split(separator: " ").joined()
  }
}

/// A plain decimal number without a sign, exact: digits, and digits after a point.
struct Decimal: Equatable {
  private let digits: UInt64
  private let scale: UInt64

  /// From text such as `12` or `1.5`; nil for anything else.
  init?(_ text: some StringProtocol) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), !parts[0].isEmpty else { return nil }
    let fraction = parts.count == 2 ? String(parts[1]) : ""
    guard (parts.count == 2) == !fraction.isEmpty, fraction.utf8.count <= 18 else { return nil }
    let text = String(parts[0]) + fraction
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let digits = UInt64(text) else { return nil }
    self.digits = digits
    scale = fraction.utf8.reduce(1) { scale, _ in scale * 10 }
  }

  /// The number times `factor`, if that is a whole number of 64 bits.
  func scaled(by factor: UInt64) -> UInt64? {
    let product = digits.multipliedFullWidth(by: factor)
    guard product.high < scale else { return nil }
    let (quotient, remainder) = scale.dividingFullWidth(product)
    return remainder == 0 ? quotient : nil
  }
}
