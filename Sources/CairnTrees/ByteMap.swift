/// Which bytes of a block are taken: one bit for each.
struct ByteMap {
  private var words: [UInt64]

  init(blockByteCount: Int) {
    words = [UInt64](repeating: 0, count: (blockByteCount + 63) / 64)
  }

  /// Takes a range of bytes inside the block; false when one of them is taken already.
  mutating func insert(_ offset: Int, count: Int) -> Bool {
    var offset = offset
    let end = offset + count
    while offset < end {
      let bit = offset & 63
      let length = min(64 - bit, end - offset)
      let mask = (length == 64 ? UInt64.max : (1 << UInt64(length)) - 1) << UInt64(bit)
      guard words[offset >> 6] & mask == 0 else { return false }
      words[offset >> 6] |= mask
      offset += length
    }
    return true
  }

  func contains(_ offset: Int) -> Bool { words[offset >> 6] & (1 << UInt64(offset & 63)) != 0 }

  /// The first run of `count` free bytes in a range; nil when there is none.
  func firstHole(of count: Int, in range: Range<Int>) -> Int? {
    var start = range.lowerBound
    while start + count <= range.upperBound {
      // Where the run that begins at `start` meets a taken byte.
      guard let taken = firstBit(true, from: start, to: start + count) else { return start }
      guard let free = firstBit(false, from: taken, to: range.upperBound) else { return nil }
      start = free
    }
    return nil
  }

  private func firstBit(_ isTaken: Bool, from start: Int, to end: Int) -> Int? {
    var offset = start
    while offset < end {
      let word = isTaken ? words[offset >> 6] : ~words[offset >> 6]
      let rest = word >> UInt64(offset & 63)
      if rest != 0 {
        let found = offset + rest.trailingZeroBitCount
        return found < end ? found : nil
      }
      offset = (offset | 63) + 1
    }
    return nil
  }
}
