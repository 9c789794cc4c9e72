import CairnMemory

/// The ring's bytes by position: a position counts bytes since the ring was new and never wraps.
struct JournalRing {
  let memory: any StableMemory
  let layout: DeviceLayout
  /// See `OpenOptions.admitsAllocation`.
  var admitsAllocation = OpenOptions().admitsAllocation

  var byteCount: UInt64 { layout.ringBlockCount * UInt64(layout.blockByteCount) }
  private var base: UInt64 { layout.ringStart * UInt64(layout.blockByteCount) }

  /// The block of the device in which a position lies.
  func block(at position: UInt64) -> UInt64 {
    layout.ringStart + position % byteCount / UInt64(layout.blockByteCount)
  }

  /// Reads `count` bytes, no more than the ring has.
  func read(at position: UInt64, count: Int) throws(StorageError) -> [UInt8] {
    guard admitsAllocation(UInt64(count)) else { throw .allocationRefused(byteCount: UInt64(count)) }
    var bytes = [UInt8](repeating: 0, count: count)
    let offset = position % byteCount
    let first = Int(min(UInt64(count), byteCount - offset))
    try read(&bytes, from: 0, count: first, at: base + offset)
    if first < count { try read(&bytes, from: first, count: count - first, at: base) }
    return bytes
  }

  private func read(_ bytes: inout [UInt8], from lower: Int, count: Int, at offset: UInt64) throws(StorageError) {
    var span = bytes.mutableSpan
    try onMemory { () throws(MemoryError) in
      try readMemory(memory, at: offset, into: &span, lower: lower, count: count)
    }
  }

  /// Writes bytes, wrapping at the end of the ring.
  func write(_ bytes: Span<UInt8>, at position: UInt64) throws(StorageError) {
    let offset = position % byteCount
    let first = Int(min(UInt64(bytes.count), byteCount - offset))
    try writeMemory(memory, bytes.extracting(0..<first), at: base + offset)
    if first < bytes.count { try writeMemory(memory, bytes.extracting(first..<bytes.count), at: base) }
  }
}

/// A window over the ring for reading it from one end to the other with few calls into the memory.
struct JournalWindow {
  private let ring: JournalRing
  private var bytes: [UInt8] = []
  private var start: UInt64 = 0
  private static let byteCount = 1 << 20

  init(_ ring: JournalRing) {
    self.ring = ring
  }

  /// `count` bytes from a position on.
  mutating func read(at position: UInt64, count: Int) throws(StorageError) -> ArraySlice<UInt8> {
    if position < start || position + UInt64(count) > start + UInt64(bytes.count) {
      let wanted = min(UInt64(max(count, Self.byteCount)), ring.byteCount)
      bytes = try ring.read(at: position, count: Int(wanted))
      start = position
    }
    let lower = Int(position - start)
    return bytes[lower..<lower + count]
  }
}
