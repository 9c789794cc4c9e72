internal import ArgumentParser

/// A range of bytes as HTTP writes it, both ends included: `0-99`, `100-` (to the end), `-20` (the last 20).
enum ByteRangeArgument: ExpressibleByArgument, Hashable, Sendable {
  case closed(first: UInt64, last: UInt64)
  case from(first: UInt64)
  case suffix(count: UInt64)

  /// From text; nil when it is no range, or one that ends before it begins.
  init?(argument: String) {
    let ends = argument.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard ends.count == 2 else { return nil }
    switch (Self.number(ends[0]), Self.number(ends[1])) {
    case (let first?, let last?) where first <= last: self = .closed(first: first, last: last)
    case (let first?, nil) where ends[1].isEmpty: self = .from(first: first)
    case (nil, let count?) where ends[0].isEmpty: self = .suffix(count: count)
    default: return nil
    }
  }

  private static func number(_ text: String) -> UInt64? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt64(text) : nil
  }
}
