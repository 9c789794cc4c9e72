/// Every image that a crash can leave at every point of a recorded trace, by a fixed policy.
///
/// At a point, the flushed bytes are certain; of the unflushed sectors any subset may have arrived, in any order, and one in
/// flight may hold garbage. Up to `exhaustiveSectorCount` unflushed sectors all subsets are taken; beyond that none, all,
/// each single one present, missing or garbage, each write torn at each of its sectors, and random masks.
public struct CrashEnumerator: Sendable {
  public var sectorByteCount = 512
  public var exhaustiveSectorCount = 6
  public var randomMaskCount = 24
  public var seed: UInt64 = 1

  public init() {}

  /// Calls `body` with each image, the number of events before the crash, and a name of the subset.
  ///
  /// - Parameters:
  ///   - initial: The bytes, all flushed, before the first event.
  ///   - events: The trace.
  ///   - points: The crash points to take, as numbers of events done; nil: all.
  /// - Returns: How many images there were.
  @discardableResult
  public func forEachImage(
    initial: [UInt8], events: [SimulatedMemory.Event], points: Range<Int>? = nil,
    _ body: (_ image: [UInt8], _ point: Int, _ subset: String) throws -> Void
  ) throws -> Int {
    var durable = initial
    var pending: [(offset: Int, bytes: [UInt8])] = []
    var count = 0
    for point in 0...events.count {
      if points?.contains(point) ?? true {
        count += try images(durable, pending, point, body)
      }
      guard point < events.count else { break }
      switch events[point] {
      case .write(let offset, let bytes): pending.append((offset, bytes))
      case .flush:
        for write in pending {
          durable.replaceSubrange(write.offset..<write.offset + write.bytes.count, with: write.bytes)
        }
        pending.removeAll()
      case .grow(let byteCount): durable += [UInt8](repeating: 0, count: byteCount)
      }
    }
    return count
  }

  private func images(
    _ durable: [UInt8], _ pending: [(offset: Int, bytes: [UInt8])], _ point: Int,
    _ body: (_ image: [UInt8], _ point: Int, _ subset: String) throws -> Void
  ) throws -> Int {
    var visible = durable
    var sectors: Set<Int> = []
    for write in pending where !write.bytes.isEmpty {
      visible.replaceSubrange(write.offset..<write.offset + write.bytes.count, with: write.bytes)
      for sector in write.offset / sectorByteCount...(write.offset + write.bytes.count - 1) / sectorByteCount {
        sectors.insert(sector)
      }
    }
    let all = sectors.sorted()
    var count = 0
    func take(_ name: String, new: (Int) -> Bool, garbage: Int? = nil) throws {
      var image = durable
      for (index, sector) in all.enumerated() {
        let range = sector * sectorByteCount..<(sector + 1) * sectorByteCount
        if index == garbage {
          var noise = SeededGenerator(seed: UInt64(sector) ^ seed)
          image.replaceSubrange(range, with: noise.bytes(sectorByteCount))
        } else if new(index) {
          image.replaceSubrange(range, with: visible[range])
        }
      }
      count += 1
      try body(image, point, name)
    }
    if all.count <= exhaustiveSectorCount {
      for mask in 0..<(1 << all.count) { try take("mask \(mask)", new: { mask >> $0 & 1 == 1 }) }
    } else {
      try take("none", new: { _ in false })
      try take("all", new: { _ in true })
      for index in all.indices {
        try take("only \(index)", new: { $0 == index })
        try take("without \(index)", new: { $0 != index })
        // A tear: everything before a sector arrived, nothing behind it.
        try take("first \(index)", new: { $0 < index })
      }
      var random = SeededGenerator(seed: seed ^ UInt64(point))
      for number in 0..<randomMaskCount {
        let mask = all.map { _ in random.below(2) == 1 }
        try take("random \(number)", new: { mask[$0] })
      }
    }
    for index in all.indices { try take("garbage \(index)", new: { $0 != index }, garbage: index) }
    return count
  }
}
