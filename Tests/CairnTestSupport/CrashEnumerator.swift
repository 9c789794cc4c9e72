/// Every image that a crash can leave at every point of a recorded trace, by a fixed policy.
///
/// At a point, the flushed bytes are certain; of the unflushed sectors any subset may have arrived, in any order, and one in
/// flight may hold garbage. The policy is ``CrashSubsets``.
public struct CrashEnumerator: Sendable {
  public var sectorByteCount = 512
  /// Up to as many unflushed sectors all subsets are taken.
  public var exhaustiveSectorCount = 12
  /// Beyond that, up to as many unflushed writes all subsets of whole writes.
  public var exhaustiveWriteCount = 12
  public var randomMaskCount = 256
  /// What garbage and random masks come from.
  public var seed: UInt64 = 1

  public init() {}

  /// Fewer subsets, for tests that run in a debug build.
  public static var quick: CrashEnumerator {
    var enumerator = CrashEnumerator()
    enumerator.exhaustiveSectorCount = 6
    enumerator.exhaustiveWriteCount = 4
    enumerator.randomMaskCount = 24
    return enumerator
  }

  /// One image that a crash can leave; it is made when somebody wants it, before the next candidate comes.
  public struct Candidate {
    /// Events done before the crash.
    public let point: Int
    public let subset: CrashSubset
    /// The hash of the image.
    public let hash: UInt64
    let unflushed: Unflushed
    let choice: [Int]
    let byteCount: Int

    /// The image.
    public func makeImage() -> CrashImage {
      var image = unflushed.durable
      image.byteCount = byteCount
      image.replace(
        unflushed.sectors.indices.lazy.filter { choice[$0] != 0 }.map { unflushed.sectors[$0].version(choice[$0]) })
      return image
    }
  }

  /// Calls `body` with each candidate, in the order of the trace.
  ///
  /// - Parameters:
  ///   - initial: The bytes, all flushed, before the first event.
  ///   - events: The trace.
  ///   - points: The crash points to take, as numbers of events done; nil: all.
  public func forEachCandidate(
    from initial: CrashImage, _ events: [SimulatedMemory.Event], points: Range<Int>? = nil,
    _ body: (Candidate) throws -> Void
  ) throws {
    let unflushed = Unflushed(initial, garbageSeed: seed)
    for point in 0...events.count {
      if points?.contains(point) ?? true { try forEachCandidate(of: unflushed, at: point, body) }
      if point < events.count { unflushed.add(events[point]) }
    }
  }

  /// Calls `body` with each candidate of one point.
  public func forEachCandidate(of unflushed: Unflushed, at point: Int, _ body: (Candidate) throws -> Void) throws {
    let current = unflushed.durable.byteCount
    // What was grown but not flushed may not be there; then neither is what was written to it.
    for byteCount in Set([current, unflushed.flushedByteCount]).sorted() {
      let limit = byteCount / unflushed.durable.sectorByteCount
      var subsets = CrashSubsets(self, unflushed, point: point, sectorLimit: limit)
      try subsets.forEach { choice, subset in
        var delta: UInt64 = 0
        for (index, version) in choice.enumerated() where version != 0 {
          let sector = unflushed.sectors[index]
          delta = delta &+ sector.version(version).hash &- sector.old.hash
        }
        try body(
          Candidate(
            point: point, subset: CrashSubset(subset, isShort: byteCount != current),
            hash: unflushed.durable.hash(adding: delta, byteCount: byteCount), unflushed: unflushed,
            choice: choice, byteCount: byteCount))
      }
    }
  }

  /// Calls `body` with the bytes of each image, the number of events before the crash, and a name of the subset.
  ///
  /// - Returns: How many images there were.
  @discardableResult
  public func forEachImage(
    initial: [UInt8], events: [SimulatedMemory.Event], points: Range<Int>? = nil,
    _ body: (_ image: [UInt8], _ point: Int, _ subset: String) throws -> Void
  ) throws -> Int {
    var count = 0
    try forEachCandidate(from: CrashImage(initial, sectorByteCount: sectorByteCount), events, points: points) {
      count += 1
      try body($0.makeImage().allBytes, $0.point, "\($0.subset)")
    }
    return count
  }
}

/// What is written and not flushed at a point of a trace.
public final class Unflushed {
  /// What is flushed.
  public private(set) var durable: CrashImage
  /// The size before the growth that is not flushed.
  public private(set) var flushedByteCount: Int
  /// The unflushed sectors in the order of their first write.
  public private(set) var sectors: [Sector] = []
  public private(set) var writeCount = 0
  private var index: [Int: Int] = [:]
  private let garbageSeed: UInt64

  /// An unflushed sector: what it was, and what it became with each write.
  public struct Sector {
    public let old: SectorBytes
    /// The contents after each write to it, with the number of the write since the flush.
    public internal(set) var versions: [(write: Int, bytes: SectorBytes)] = []
    let garbage: SectorBytes

    /// The contents by number: 0 the old ones, 1... those after each write, -1 garbage.
    public func version(_ number: Int) -> SectorBytes {
      number == 0 ? old : number < 0 ? garbage : versions[number - 1].bytes
    }
    /// Whether some write changed a byte.
    var isChanged: Bool { versions.contains { $0.bytes.hash != old.hash } }
  }

  public init(_ durable: CrashImage, garbageSeed: UInt64) {
    self.durable = durable
    flushedByteCount = durable.byteCount
    self.garbageSeed = garbageSeed
  }

  /// What the next event makes of it.
  public func add(_ event: SimulatedMemory.Event) {
    switch event {
    case .read: break
    case .write(let offset, let bytes): write(bytes, at: offset)
    case .flush:
      durable.replace(sectors.map { $0.version($0.versions.count) })
      forget()
    case .grow(let byteCount): durable.byteCount += byteCount
    case .lost(let kept):
      durable.replace(kept)
      forget()
    }
  }

  private func forget() {
    sectors.removeAll()
    index.removeAll()
    writeCount = 0
    flushedByteCount = durable.byteCount
  }

  private func write(_ bytes: [UInt8], at offset: Int) {
    guard !bytes.isEmpty else { return }
    let size = durable.sectorByteCount
    for number in offset / size...(offset + bytes.count - 1) / size {
      let position: Int
      if let known = index[number] {
        position = known
      } else {
        position = sectors.count
        index[number] = position
        sectors.append(
          Sector(old: durable[number], garbage: .garbage(number, byteCount: size, seed: garbageSeed)))
      }
      let lower = max(offset, number * size)
      let upper = min(offset + bytes.count, (number + 1) * size)
      let contents: [UInt8]
      if upper - lower == size {
        contents = Array(bytes[lower - offset..<upper - offset])
      } else {
        var merged = sectors[position].version(sectors[position].versions.count).bytes
        merged.replaceSubrange(
          lower - number * size..<upper - number * size, with: bytes[lower - offset..<upper - offset])
        contents = merged
      }
      sectors[position].versions.append((writeCount, SectorBytes(sector: number, bytes: contents)))
    }
    writeCount += 1
  }
}
