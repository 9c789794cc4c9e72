/// Parts of bytes that are zeros alone, and parts that are not: a disk and a file both keep zeros for nothing.
enum ZeroRuns {
  /// Bytes that are looked at as one.
  private static let unitByteCount = 65536

  /// The parts in order, as large as they get; each but the last is whole units long.
  static func split(_ bytes: [UInt8]) -> [(range: Range<Int>, isZero: Bool)] {
    var runs: [(range: Range<Int>, isZero: Bool)] = []
    for start in stride(from: 0, to: bytes.count, by: unitByteCount) {
      let unit = start..<min(start + unitByteCount, bytes.count)
      let isZero = bytes[unit].allSatisfy { $0 == 0 }
      if let last = runs.last, last.isZero == isZero {
        runs[runs.count - 1].range = last.range.lowerBound..<unit.upperBound
      } else {
        runs.append((unit, isZero))
      }
    }
    return runs
  }
}
