public import CairnMemory

/// A stable memory that remembers what is not flushed yet, so that a test can take the power away at any moment.
///
/// The model of faults: reads see every write at once, as through a page cache. A crash keeps the flushed bytes and, of each
/// unflushed sector, whatever the test decides: the old bytes, the new ones, or garbage. Writes to one sector arrive in
/// order, writes to different ones in any. Any call can be made to fail, and to go wrong in silence (``MemoryFault``).
///
/// It costs no copy of the image to set one up on a ``CrashImage``, and nothing is recorded unless asked for.
public final class SimulatedMemory: StableMemory, @unchecked Sendable {
  /// One call, as it met the device.
  public enum Event: Equatable, Sendable {
    case read(offset: Int, byteCount: Int)
    case write(offset: Int, bytes: [UInt8])
    case flush
    case grow(byteCount: Int)
    /// The power went, or a flush failed: of the unflushed sectors these reached the device, the others are lost.
    case lost(kept: [SectorBytes])
  }

  public let guarantees: MemoryGuarantees
  public let sectorByteCount: Int
  private var store: SectorStore
  public private(set) var events: [Event] = []
  /// Whether writes, flushes and growth are kept in `events`; off, because long runs would fill memory with it.
  public var recordsEvents = false
  /// Whether reads are kept, too.
  public var recordsReads = false
  /// The call (counted over writes, flushes and growth from now) before which everything fails; nil: none does.
  public var failsAfter: Int?
  /// Whether a failed call has happened: then all fail.
  public private(set) var hasFailed = false
  /// A fault that meets one call, or every one from it on, while the memory goes on working otherwise.
  public var fault: MemoryFault?
  public typealias Fault = MemoryFault
  /// How many calls `fault` has met.
  public private(set) var faultCount = 0
  public private(set) var flushCount = 0
  /// Runs before each flush, outside of the memory's lock: what other threads do meanwhile happens before it.
  public var beforeFlush: (@Sendable () -> Void)?
  /// Writes that become pending with the next flush.
  private var delayed: [(offset: Int, bytes: [UInt8])] = []
  private let mutex = SpinLock()

  public convenience init(pageCount: UInt64, sectorByteCount: Int = 512, isMessageAtomic: Bool = false) {
    self.init(
      image: [UInt8](repeating: 0, count: Int(pageCount * MemoryPage.byteCount)), sectorByteCount: sectorByteCount,
      isMessageAtomic: isMessageAtomic)
  }

  /// A memory that holds the bytes of an image.
  public convenience init(image: [UInt8], sectorByteCount: Int = 512, isMessageAtomic: Bool = false) {
    self.init(CrashImage(unhashed: image, sectorByteCount: sectorByteCount), isMessageAtomic: isMessageAtomic)
  }

  /// A memory that holds an image, whose base it shares.
  ///
  /// - Parameter cached: What lies in the page cache of a killed process: seen by reads, not on the device yet.
  public init(_ image: CrashImage, cached: [SectorBytes] = [], isMessageAtomic: Bool = false) {
    sectorByteCount = image.sectorByteCount
    guarantees = isMessageAtomic ? .messageAtomic : .sectors(byteCount: sectorByteCount)
    store = SectorStore(image)
    for sector in cached {
      unsafe sector.bytes.withUnsafeBytes { unsafe store.write($0, at: sector.sector * sectorByteCount) }
    }
  }

  public var pageCount: UInt64 { mutex.with { UInt64(store.byteCount) / MemoryPage.byteCount } }
  public var isWritable = true

  // MARK: Faults

  /// What happens to the call; nil: nothing unusual. Throws when it fails.
  private func meetFault(_ call: MemoryFault.Call) throws(MemoryError) -> MemoryFault.Effect? {
    guard var planned = fault, planned.calls.contains(call) else { return nil }
    if planned.after > 0 {
      planned.after -= 1
      fault = planned
      return nil
    }
    faultCount += 1
    if !planned.lasts { fault = nil }
    guard planned.effect == .error else { return planned.effect }
    if call == .flush {
      var survivors = SeededGenerator(seed: planned.survivors)
      settle(kept { _, _ in planned.survivors != 0 && survivors.below(2) == 0 ? .new : .old }, seesCache: true)
    }
    if call == .grow { throw .full }
    throw .io(operation: "\(call)", errno: 5, path: "simulated")
  }

  private func step() throws(MemoryError) {
    if hasFailed { throw .poisoned }
    guard let left = failsAfter else { return }
    if left == 0 {
      hasFailed = true
      throw .poisoned
    }
    failsAfter = left - 1
  }

  // MARK: The contract

  public func grow(by pages: UInt64) throws(MemoryError) {
    mutex.lock()
    defer { mutex.unlock() }
    try step()
    var pages = pages
    if let effect = try meetFault(.grow) {
      guard case .torn(let part) = effect else { return }
      pages = min(pages, UInt64(max(0, part)))
    }
    let byteCount = Int(pages * MemoryPage.byteCount)
    if recordsEvents { events.append(.grow(byteCount: byteCount)) }
    store.grow(by: byteCount)
  }

  public func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
    mutex.lock()
    defer { mutex.unlock() }
    if hasFailed { throw .poisoned }
    let effect = try meetFault(.read)
    let count = bytes.byteCount
    guard offset <= UInt64(store.byteCount), count <= store.byteCount - Int(offset) else {
      throw .outOfBounds(offset: offset, count: UInt64(count), size: UInt64(store.byteCount))
    }
    if recordsReads { events.append(.read(offset: Int(offset), byteCount: count)) }
    unsafe bytes.withUnsafeMutableBytes { target in
      switch effect {
      case nil: unsafe store.read(at: Int(offset), into: target)
      case .error, .lost: break
      case .torn(let sectors):
        let part = min(count, max(0, sectors) * sectorByteCount)
        unsafe store.read(at: Int(offset), into: UnsafeMutableRawBufferPointer(rebasing: target[..<part]))
      case .misdirected(let distance):
        let place = Int(offset) + distance
        if place >= 0 && count <= store.byteCount - place { unsafe store.read(at: place, into: target) }
      case .garbled(let seed):
        var noise = SeededGenerator(seed: seed)
        for index in 0..<count { unsafe target[index] = UInt8(truncatingIfNeeded: noise.next()) }
      case .delayed: unsafe store.read(at: Int(offset), into: target, asOnDevice: true)
      }
    }
  }

  public func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) {
    mutex.lock()
    defer { mutex.unlock() }
    try step()
    let count = bytes.byteCount
    guard offset <= UInt64(store.byteCount), count <= store.byteCount - Int(offset) else {
      throw .outOfBounds(offset: offset, count: UInt64(count), size: UInt64(store.byteCount))
    }
    let effect = try meetFault(.write)
    unsafe bytes.withUnsafeBytes { source in
      switch effect {
      case nil: unsafe put(source, at: Int(offset))
      case .error, .lost: break
      case .torn(let sectors):
        let part = min(count, max(0, sectors) * sectorByteCount)
        unsafe put(UnsafeRawBufferPointer(rebasing: source[..<part]), at: Int(offset))
      case .misdirected(let distance):
        let place = Int(offset) + distance
        if place >= 0 && count <= store.byteCount - place { unsafe put(source, at: place) }
      case .garbled(let seed):
        var noise = SeededGenerator(seed: seed)
        let wrong = noise.bytes(count)
        unsafe wrong.withUnsafeBytes { unsafe put($0, at: Int(offset)) }
      case .delayed: delayed.append((Int(offset), unsafe [UInt8](source)))
      }
    }
  }

  private func put(_ source: UnsafeRawBufferPointer, at offset: Int) {
    unsafe store.write(source, at: offset)
    if recordsEvents { events.append(.write(offset: offset, bytes: unsafe [UInt8](source))) }
  }

  public func flush() throws(MemoryError) {
    if let beforeFlush { beforeFlush() }
    mutex.lock()
    defer { mutex.unlock() }
    try step()
    flushCount += 1
    switch try meetFault(.flush) {
    case nil, .error, .misdirected, .garbled:
      store.flush()
      if recordsEvents { events.append(.flush) }
    case .lost: settle([], seesCache: true)
    case .torn(let sectors): store.flush(keepingPending: max(0, store.pending.count - max(0, sectors)))
    case .delayed: break
    }
    for write in delayed { unsafe write.bytes.withUnsafeBytes { unsafe put($0, at: write.offset) } }
    delayed.removeAll()
  }

  /// Makes reads see what a flush that failed or was lost has left on the device.
  public func discardCache() throws(MemoryError) {
    mutex.lock()
    defer { mutex.unlock() }
    if hasFailed { throw .poisoned }
    store.flush()
    store.discardStale()
  }

  // MARK: Power loss

  /// The sectors that unflushed writes touch, ascending.
  public var pendingSectors: [Int] { mutex.with { store.pending.sorted() } }

  /// What a crash makes of an unflushed sector.
  public enum Fate: Sendable { case old, new, garbage }

  private func settle(_ kept: [SectorBytes], seesCache: Bool) {
    store.settle(kept, seesCache: seesCache)
    if recordsEvents { events.append(.lost(kept: kept)) }
  }

  private func kept(_ fate: (_ sector: Int, _ index: Int) -> Fate) -> [SectorBytes] {
    store.pending.sorted().enumerated().compactMap { index, sector in
      switch fate(sector, index) {
      case .old: nil
      case .new: SectorBytes(sector: sector, bytes: store.contents(sector, asOnDevice: false))
      case .garbage: .garbage(sector, byteCount: sectorByteCount, seed: 1)
      }
    }
  }

  /// Takes the power away and gives it back: each unflushed sector meets its fate, and the memory works again.
  public func losePower(_ fate: (_ sector: Int, _ index: Int) -> Fate) {
    mutex.with {
      settle(kept(fate), seesCache: false)
      revive()
    }
  }

  /// Kills the process that used the memory: what it wrote stays in the cache, and the memory works again.
  public func killProcess() { mutex.with { revive() } }

  private func revive() {
    hasFailed = false
    failsAfter = nil
    fault = nil
    delayed.removeAll()
  }

  /// The bytes after a crash in which each pending sector meets its fate.
  public func crashImage(_ fate: (_ sector: Int, _ index: Int) -> Fate) -> [UInt8] {
    mutex.with {
      var image = allBytes(asOnDevice: true)
      for sector in kept(fate) {
        let lower = sector.sector * sectorByteCount
        let count = min(sectorByteCount, image.count - lower)
        image.replaceSubrange(lower..<lower + count, with: sector.bytes[..<count])
      }
      return image
    }
  }

  private func allBytes(asOnDevice: Bool) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: store.byteCount)
    unsafe bytes.withUnsafeMutableBytes { unsafe store.read(at: 0, into: $0, asOnDevice: asOnDevice) }
    return bytes
  }

  /// All bytes as a process that was killed left them in the page cache.
  public var visibleImage: [UInt8] { mutex.with { allBytes(asOnDevice: false) } }
  /// All bytes that are surely on the device.
  public var durableImage: [UInt8] { mutex.with { allBytes(asOnDevice: true) } }
}
