import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

/// What a device must show at one time.
struct RigState {
  /// Metadata blocks, their bytes behind the header.
  var blocks: [UInt64: [UInt8]] = [:]
  /// Data by their first block.
  var extents: [UInt64: StoredExtent] = [:]
  var byteCount: UInt64 = 0
  /// Half of the store's id: what stands in the headers of its blocks.
  var storeID: UInt64 = 0
  /// Blocks that were freed lately: where the next allocation likes to go, so that reuse comes early.
  var freed: [UInt64] = []
  /// Blocks that were freed so that nothing of them may stay, and were not used again: how many behind each first one.
  var erased: [UInt64: UInt32] = [:]

  struct StoredExtent {
    var count: UInt32
    var bytes: [UInt8]
    var digests: [UInt64]
  }

  static let kind = BlockKind.treeNode

  /// Notes that blocks are used again.
  mutating func noteUse(of extent: Extent) {
    erased = erased.filter { $0.key >= extent.end || $0.key + UInt64($0.value) <= extent.start.rawValue }
  }

  /// Throws a ``Violation`` where a view shows something else, and where it cannot show something.
  ///
  /// - Parameter toleratesDamage: What is reported as damaged may be missing; nothing may be wrong in silence.
  /// - Returns: What was reported as damaged, by its first block.
  @discardableResult
  func requireShown(by view: BlockView, toleratesDamage: Bool = false) throws(Violation) -> Set<UInt64> {
    var damaged: Set<UInt64> = []
    func look(_ block: UInt64, _ expected: [UInt8], _ read: () throws(StorageError) -> [UInt8]) throws(Violation) {
      do throws(StorageError) {
        let found = try read()
        guard found != expected else { return }
        let first = expected.indices.first { expected[$0] != found[$0] } ?? 0
        throw .invalidArgument("it differs from byte \(first) on")
      } catch {
        guard toleratesDamage, case .damaged = error else { throw Violation("block \(block): \(error)") }
        damaged.insert(block)
      }
    }
    for (block, expected) in blocks.sorted(by: { $0.key < $1.key }) {
      try look(block, expected) { () throws(StorageError) in
        try view.withBlock(BlockNumber(block), kind: Self.kind) { span in
          (BlockHeader.byteCount..<span.count).map { span[$0] }
        }
      }
    }
    for (start, extent) in extents.sorted(by: { $0.key < $1.key }) {
      try look(start, extent.bytes) { () throws(StorageError) in
        var bytes = [UInt8](repeating: 0, count: extent.bytes.count)
        try BulkCopy.withMutableRawSpan(of: &bytes) { (span) throws(StorageError) in
          try view.readData(at: BlockNumber(start), digests: extent.digests, into: &span)
        }
        return bytes
      }
    }
    return damaged
  }

  /// Throws where the bitmaps say something else, and where the device's own check finds something. Damage of the bitmaps
  /// themselves is a ``StorageError``.
  func requireAllocated(on device: BlockDevice, checks: Bool = true) throws {
    var expected = Set(blocks.keys)
    for (start, extent) in extents { expected.formUnion(start..<start + UInt64(extent.count)) }
    var allocated: Set<UInt64> = []
    try device.read { (view) throws(StorageError) in
      try view.allocationMap().forEachAllocated { allocated.insert($0.rawValue) }
    }
    guard allocated == expected else {
      throw Violation(
        "blocks leaked: \(allocated.subtracting(expected).sorted()), "
          + "in use but free: \(expected.subtracting(allocated).sorted())")
    }
    if device.space.capacity != byteCount {
      throw Violation("the device has \(device.space.capacity) bytes instead of \(byteCount)")
    }
    let findings = checks ? try device.checkDevice().findings : []
    if !findings.isEmpty { throw Violation("check: \(findings.map(\.text))") }
  }
}

/// Something that must not happen.
struct Violation: Error, CustomStringConvertible {
  var description: String
  init(_ text: String) { description = text }
}
