import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

/// What the tests of the device have in common.
enum TestDevice {
  /// The kind of the blocks that tests write.
  static let kind = BlockKind(rawValue: 0x80)

  private final class Salt: @unchecked Sendable {
    private let lock = SpinLock()
    private var generator: SeededGenerator
    init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }
    func next() -> UInt64 { lock.with { generator.next() } }
  }

  /// A fixed clock and random numbers from a seed.
  static func environment(_ seed: UInt64 = 1) -> Environment {
    let salt = Salt(seed)
    return Environment(now: { 7 }, random: { salt.next() })
  }

  /// Small in every respect: blocks of 512 bytes, a ring of 16 blocks, two image slots of four blocks.
  static func smallFormat(
    blockByteCount: Int = 512, ringBlockCount: Int = 16, imageSlotBlockCount: Int = 4
  ) -> FormatOptions {
    FormatOptions(
      blockByteCount: blockByteCount, journalByteCount: UInt64(ringBlockCount * blockByteCount), imageSlotCount: 2,
      imageSlotBlockCount: imageSlotBlockCount)
  }

  /// A new device on a simulated memory.
  static func make(
    pageCount: UInt64 = 4, format: FormatOptions = smallFormat(), memoryBudget: Int = 1 << 20, seed: UInt64 = 1
  ) throws(StorageError) -> (memory: SimulatedMemory, device: BlockDevice) {
    let memory = SimulatedMemory(pageCount: pageCount)
    try BlockDevice.format(memory, options: format, environment: environment(seed))
    return (memory, try open(memory, memoryBudget: memoryBudget, seed: seed &+ 1))
  }

  static func open(
    _ memory: any StableMemory, isReadOnly: Bool = false, memoryBudget: Int = 1 << 20, seed: UInt64 = 2
  ) throws(StorageError) -> BlockDevice {
    try BlockDevice.open(
      memory, options: OpenOptions(isReadOnly: isReadOnly, memoryBudget: memoryBudget), environment: environment(seed))
  }

  /// Opens an image of bytes.
  static func open(
    _ image: [UInt8], isReadOnly: Bool = false, seed: UInt64 = 3
  ) throws(StorageError) -> BlockDevice {
    try open(SimulatedMemory(image: image), isReadOnly: isReadOnly, seed: seed)
  }
}

/// Data that a test put on a device.
struct StoredData: Equatable {
  var bytes: [UInt8]
  var extents: [Extent]
  var digests: [[UInt64]]

  var blockCount: UInt64 { extents.reduce(0) { $0 + UInt64($1.count) } }
}

extension BlockTransaction {
  /// A new block that begins with `bytes`.
  func add(_ bytes: [UInt8], owner: UInt8 = 1) throws(StorageError) -> BlockNumber {
    let block = try allocate(kind: TestDevice.kind, owner: owner)
    try change(block, at: 32, bytes.span)
    return block
  }

  /// Overwrites the first bytes of a block.
  func set(_ block: BlockNumber, _ bytes: [UInt8]) throws(StorageError) {
    try change(block, at: 32, bytes.span)
  }

  /// New extents with `bytes` in them.
  func addData(_ bytes: [UInt8]) throws(StorageError) -> StoredData {
    let blockByteCount = view.blockByteCount
    let extents = try allocateExtents(blockCount: UInt64((bytes.count + blockByteCount - 1) / blockByteCount))
    var digests: [[UInt64]] = []
    var offset = 0
    for extent in extents {
      let end = min(bytes.count, offset + Int(extent.count) * blockByteCount)
      digests.append(
        try BulkCopy.withRawSpan(of: Array(bytes[offset..<end])) { span throws(StorageError) in
          try writeData(span, at: extent.start)
        })
      offset = end
    }
    return StoredData(bytes: bytes, extents: extents, digests: digests)
  }

  func free(_ data: StoredData) throws(StorageError) {
    for extent in data.extents { try free(extent) }
  }
}

extension BlockView {
  /// The first `count` bytes behind a block's header.
  func bytes(of block: BlockNumber, count: Int) throws(StorageError) -> [UInt8] {
    try withBlock(block, kind: TestDevice.kind) { span in (32..<32 + count).map { span[$0] } }
  }

  /// Data that a test put on the device, verified by their digests.
  func bytes(of data: StoredData) throws(StorageError) -> [UInt8] {
    var bytes: [UInt8] = []
    for (extent, digests) in zip(data.extents, data.digests) {
      let count = min(data.bytes.count - bytes.count, Int(extent.count) * blockByteCount)
      var part = [UInt8](repeating: 0, count: count)
      try BulkCopy.withMutableRawSpan(of: &part) { span throws(StorageError) in
        try readData(at: extent.start, digests: digests, into: &span)
      }
      bytes += part
    }
    return bytes
  }

  /// Every block that is handed out, ascending.
  func allocatedBlocks() throws(StorageError) -> [UInt64] {
    var blocks: [UInt64] = []
    try allocationMap().forEachAllocated { blocks.append($0.rawValue) }
    return blocks
  }
}

extension BlockDevice {
  /// A commit that makes a block with `bytes`.
  func add(_ bytes: [UInt8]) throws(StorageError) -> BlockNumber {
    try transaction { transaction throws(StorageError) in try transaction.add(bytes) }
  }

  /// A commit that overwrites the first bytes of a block.
  func set(_ block: BlockNumber, _ bytes: [UInt8]) throws(StorageError) {
    try transaction { transaction throws(StorageError) in try transaction.set(block, bytes) }
  }

  /// A commit that writes data.
  func addData(_ bytes: [UInt8]) throws(StorageError) -> StoredData {
    try transaction { transaction throws(StorageError) in try transaction.addData(bytes) }
  }

  func bytes(of block: BlockNumber, count: Int) throws(StorageError) -> [UInt8] {
    try read { view throws(StorageError) in try view.bytes(of: block, count: count) }
  }

  func bytes(of data: StoredData) throws(StorageError) -> [UInt8] {
    try read { view throws(StorageError) in try view.bytes(of: data) }
  }

  func allocatedBlocks() throws(StorageError) -> [UInt64] {
    try read { view throws(StorageError) in try view.allocatedBlocks() }
  }
}

/// The error that `body` throws; nil when it throws none.
func failure(_ body: () throws(StorageError) -> Void) -> StorageError? {
  do {
    try body()
    return nil
  } catch { return error }
}

/// The damage that `body` runs into; nil when it throws nothing, or something else.
func damage(_ body: () throws(StorageError) -> Void) -> Damage? {
  if case .damaged(let damage) = failure(body) { return damage }
  return nil
}
