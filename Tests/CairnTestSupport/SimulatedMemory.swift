public import CairnMemory

/// A stable memory that remembers what is not flushed yet, so that a test can take the power away at any moment.
///
/// Reads see every write at once, as through a page cache. A crash keeps the flushed bytes and, of the unflushed sectors,
/// whatever the test decides: the old bytes, the new ones, or garbage. Calls can be made to fail at a chosen count.
public final class SimulatedMemory: StableMemory, @unchecked Sendable {
  /// One call that changed something.
  public enum Event: Equatable, Sendable {
    case write(offset: Int, bytes: [UInt8])
    case flush
    case grow(byteCount: Int)
  }

  public let guarantees: MemoryGuarantees
  public let sectorByteCount: Int
  private var visible: [UInt8]
  private var durable: [UInt8]
  /// Unflushed writes in order.
  private var pending: [(offset: Int, bytes: [UInt8])] = []
  public private(set) var events: [Event] = []
  /// Whether `events` is kept; off, because long runs would fill memory with it.
  public var recordsEvents = false
  /// The call (counted over writes and flushes from now) before which everything fails; nil: none does.
  public var failsAfter: Int?
  /// Whether a failed call has happened: then all fail.
  public private(set) var hasFailed = false
  /// A fault that meets one call, or every one from it on, while the memory goes on working otherwise.
  public var fault: Fault?
  /// How many calls `fault` has met.
  public private(set) var faultCount = 0
  public private(set) var flushCount = 0
  private let mutex = SpinLock()

  public init(pageCount: UInt64, sectorByteCount: Int = 512, isMessageAtomic: Bool = false) {
    self.sectorByteCount = sectorByteCount
    guarantees = isMessageAtomic ? .messageAtomic : .sectors(byteCount: sectorByteCount)
    visible = [UInt8](repeating: 0, count: Int(pageCount * MemoryPage.byteCount))
    durable = visible
  }

  /// A memory that holds the bytes of an image.
  public init(image: [UInt8], sectorByteCount: Int = 512, isMessageAtomic: Bool = false) {
    self.sectorByteCount = sectorByteCount
    guarantees = isMessageAtomic ? .messageAtomic : .sectors(byteCount: sectorByteCount)
    visible = image
    durable = image
  }

  public var pageCount: UInt64 { mutex.with { UInt64(visible.count) / MemoryPage.byteCount } }
  public var isWritable = true

  /// What goes wrong, and when.
  public struct Fault: Sendable {
    /// A kind of call.
    public enum Call: Sendable { case read, write, flush, grow }
    /// What happens to the call.
    public enum Effect: Sendable {
      /// It throws. A failed flush drops the unflushed writes from the device but not from the cache, as systems do.
      case error
      /// It returns as if it were done, and does nothing.
      case lost
    }

    public var calls: Set<Call>
    /// Calls of those kinds that still go well.
    public var after: Int
    public var effect: Effect
    /// Whether all later calls of those kinds meet it too.
    public var lasts: Bool

    public init(_ calls: Set<Call>, after: Int, effect: Effect = .error, lasts: Bool = false) {
      self.calls = calls
      self.after = after
      self.effect = effect
      self.lasts = lasts
    }
  }

  /// Whether the call is lost; throws when it fails.
  private func meetFault(_ call: Fault.Call) throws(MemoryError) -> Bool {
    guard var planned = fault, planned.calls.contains(call) else { return false }
    if planned.after > 0 {
      planned.after -= 1
      fault = planned
      return false
    }
    faultCount += 1
    if !planned.lasts { fault = nil }
    if planned.effect == .lost { return true }
    if call == .flush { pending.removeAll() }
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

  public func grow(by pages: UInt64) throws(MemoryError) {
    try mutex.with { () throws(MemoryError) in
      try step()
      if try meetFault(.grow) { return }
      if recordsEvents { events.append(.grow(byteCount: Int(pages * MemoryPage.byteCount))) }
      let more = [UInt8](repeating: 0, count: Int(pages * MemoryPage.byteCount))
      visible += more
      durable += more
    }
  }

  public func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
    mutex.lock()
    defer { mutex.unlock() }
    if hasFailed { throw .poisoned }
    if try meetFault(.read) { return }
    guard offset <= UInt64(visible.count), bytes.byteCount <= visible.count - Int(offset) else {
      throw .outOfBounds(offset: offset, count: UInt64(bytes.byteCount), size: UInt64(visible.count))
    }
    let count = bytes.byteCount
    unsafe bytes.withUnsafeMutableBytes { target in
      unsafe visible.withUnsafeBytes { source in
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[Int(offset)..<Int(offset) + count]))
      }
    }
  }

  public func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) {
    mutex.lock()
    defer { mutex.unlock() }
    try step()
    guard offset <= UInt64(visible.count), bytes.byteCount <= visible.count - Int(offset) else {
      throw .outOfBounds(offset: offset, count: UInt64(bytes.byteCount), size: UInt64(visible.count))
    }
    if try meetFault(.write) { return }
    let copy = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    visible.replaceSubrange(Int(offset)..<Int(offset) + copy.count, with: copy)
    pending.append((Int(offset), copy))
    if recordsEvents { events.append(.write(offset: Int(offset), bytes: copy)) }
  }

  public func flush() throws(MemoryError) {
    mutex.lock()
    defer { mutex.unlock() }
    try step()
    if try meetFault(.flush) { return }
    for write in pending { durable.replaceSubrange(write.offset..<write.offset + write.bytes.count, with: write.bytes) }
    pending.removeAll()
    flushCount += 1
    if recordsEvents { events.append(.flush) }
  }

  public func discardCache() throws(MemoryError) {}

  /// The sectors that unflushed writes touch, ascending.
  public var pendingSectors: [Int] {
    var sectors: Set<Int> = []
    for write in pending where !write.bytes.isEmpty {
      for sector in write.offset / sectorByteCount...(write.offset + write.bytes.count - 1) / sectorByteCount {
        sectors.insert(sector)
      }
    }
    return sectors.sorted()
  }

  /// What a crash makes of an unflushed sector.
  public enum Fate: Sendable { case old, new, garbage }

  /// The bytes after a crash in which each pending sector meets its fate.
  public func crashImage(_ fate: (_ sector: Int, _ index: Int) -> Fate) -> [UInt8] {
    var image = durable
    for (index, sector) in pendingSectors.enumerated() {
      let range = sector * sectorByteCount..<min((sector + 1) * sectorByteCount, image.count)
      switch fate(sector, index) {
      case .old: break
      case .new: image.replaceSubrange(range, with: visible[range])
      case .garbage:
        var state = UInt64(sector) &* 0x9E37_79B9_7F4A_7C15 &+ 1
        for offset in range {
          state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
          image[offset] = UInt8(truncatingIfNeeded: state >> 33)
        }
      }
    }
    return image
  }

  /// All bytes as a process that was killed left them in the page cache.
  public var visibleImage: [UInt8] { mutex.with { visible } }
  /// All bytes that are surely on the device.
  public var durableImage: [UInt8] { mutex.with { durable } }
}

/// A mutual exclusion for tests.
public final class SpinLock: @unchecked Sendable {
  private let inner = Lock()
  public init() {}
  public func lock() { inner.lock() }
  public func unlock() { inner.unlock() }
  public func with<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
    inner.lock()
    defer { inner.unlock() }
    return try body()
  }
}
