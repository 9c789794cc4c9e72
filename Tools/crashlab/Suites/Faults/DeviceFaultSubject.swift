import CairnBlocks
import CairnBytes
import CairnTestSupport

/// A block device whose root block is a list of the others and of data.
///
///     a allocate a block    c change all blocks    f free the oldest entry    x write data
///     k checkpoint          g grow                 y reserve data outside of a transaction, then claim it
///     q ask for more than there is
struct DeviceFaultSubject: FaultSubject {
  let shape: FaultShape

  static let word = "device"
  static let letters = Array("acfxkgyq")
  static let fixedTraces = [
    "acc", "acfa", "axcfx", "akckc", "acacc", "xxkfxk", "aaacfkca", "acccccck", "xfxfxf", "aqgqa", "yfyk", "aocoxofo",
  ]
  private static let kind = BlockKind(rawValue: 0x80)

  /// An entry of the list: a block, or data with their digest.
  private struct Entry {
    var start: UInt64
    var blockCount: UInt32
    var digest: UInt64
    var isData: Bool { blockCount > 0 }
    static let byteCount = 20
  }

  func make(on memory: SimulatedMemory) throws(StorageError) {
    try BlockDevice.format(memory, options: shape.format, environment: .seeded(3))
    let device = try open(memory, gate: AllocationGate(), life: 0)
    try device.transaction { transaction throws(StorageError) in
      try transaction.setRoot(try transaction.allocate(kind: Self.kind, owner: 1))
    }
    try device.close()
  }

  func open(_ memory: SimulatedMemory, gate: AllocationGate, life: UInt64) throws(StorageError) -> BlockDevice {
    var options = OpenOptions(memoryBudget: 64 << 10)
    options.admitsAllocation = gate.admits
    return try BlockDevice.open(memory, options: options, environment: .seeded(1000 + life))
  }

  func close(_ device: BlockDevice) throws(StorageError) { try device.close() }

  func touch(_ device: BlockDevice) throws(StorageError) { try perform("a", 1, device) }

  func findings(_ device: BlockDevice) throws(StorageError) -> [String] {
    try device.checkDevice().findings.map { $0.text }
  }

  func look(at device: BlockDevice) throws(StorageError) -> FaultSight {
    let root = try self.root(of: device)
    return try device.read { view throws(StorageError) in
      var hash = XXHash64()
      for entry in try entries(root, in: view) {
        if entry.isData {
          var bytes = [UInt8](repeating: 0, count: dataByteCount)
          try BulkCopy.withMutableRawSpan(of: &bytes) { span throws(StorageError) in
            try view.readData(at: BlockNumber(entry.start), digests: [entry.digest], into: &span)
          }
          hash.update(bytes.span)
        } else {
          try view.withBlock(BlockNumber(entry.start), kind: Self.kind) { span in hash.update(span.extracting(32..<64))
          }
        }
      }
      return FaultSight(digest: hash.finish(), capacity: device.space.capacity, free: device.space.free)
    }
  }

  private var dataByteCount: Int { shape.blockByteCount + 100 }

  private func root(of device: BlockDevice) throws(StorageError) -> BlockNumber {
    guard let root = try device.rootBlock() else { throw .notFound(Subject("block", "root")) }
    return root
  }

  private func entries(_ root: BlockNumber, in view: BlockView) throws(StorageError) -> [Entry] {
    try view.withBlock(root, kind: Self.kind) { span in
      let count = Int(span[32])
      return (0..<count).map { index in
        let offset = 40 + index * Entry.byteCount
        return Entry(
          start: LittleEndian.uint64(span, at: offset), blockCount: LittleEndian.uint32(span, at: offset + 16),
          digest: LittleEndian.uint64(span, at: offset + 8))
      }
    }
  }

  private func store(_ entries: [Entry], at root: BlockNumber, in transaction: BlockTransaction) throws(StorageError) {
    var writer = ByteWriter()
    writer.uint64(UInt64(entries.count))
    for entry in entries {
      writer.uint64(entry.start)
      writer.uint64(entry.digest)
      writer.uint32(entry.blockCount)
    }
    let bytes = writer.bytes + [UInt8](repeating: 0, count: Entry.byteCount)
    try transaction.change(root, at: 32, bytes.span)
  }

  func perform(_ letter: Character, _ number: UInt8, _ device: BlockDevice) throws(StorageError) {
    let root = try self.root(of: device)
    switch letter {
    case "k": try device.checkpoint()
    case "g": try device.grow(byBytes: 65536)
    case "y":
      let reservation = try device.reserveExtents(blockCount: 2)
      let data = [UInt8](repeating: number, count: dataByteCount)
      guard reservation.extents.count == 1 else { return }
      let digests = try BulkCopy.withRawSpan(of: data) { span throws(StorageError) in
        try reservation.writeData(span, at: reservation.extents[0].start)
      }
      try change(device, root) { (list, transaction) throws(StorageError) in
        let extents = try transaction.claim(reservation)
        list.append(Entry(start: extents[0].start.rawValue, blockCount: 2, digest: digests[0]))
      }
    case "q":
      do {
        try change(device, root) { (_, transaction) throws(StorageError) in
          _ = try transaction.allocateExtents(blockCount: 1 << 33)
        }
      } catch .full {
        // As it should be.
      } catch .limitExceeded {
        // Likewise, when the device may grow.
      }
    default:
      try change(device, root) { (list, transaction) throws(StorageError) in
        try perform(letter, number, &list, transaction)
      }
    }
  }

  private func change(
    _ device: BlockDevice, _ root: BlockNumber,
    _ body: (inout [Entry], BlockTransaction) throws(StorageError) -> Void
  ) throws(StorageError) {
    try device.transaction { transaction throws(StorageError) in
      var list = try entries(root, in: transaction.view)
      try body(&list, transaction)
      try store(list, at: root, in: transaction)
    }
  }

  private func perform(
    _ letter: Character, _ number: UInt8, _ list: inout [Entry], _ transaction: BlockTransaction
  ) throws(StorageError) {
    let bytes = [UInt8](repeating: number, count: 24)
    switch letter {
    case "a":
      let block = try transaction.allocate(kind: Self.kind, owner: 1)
      try transaction.change(block, at: 32, bytes.span)
      list.append(Entry(start: block.rawValue, blockCount: 0, digest: 0))
    case "c":
      for entry in list where !entry.isData { try transaction.change(BlockNumber(entry.start), at: 32, bytes.span) }
    case "f":
      guard !list.isEmpty else { return }
      let entry = list.removeFirst()
      if entry.isData {
        try transaction.free(Extent(start: BlockNumber(entry.start), count: entry.blockCount))
      } else {
        try transaction.free(BlockNumber(entry.start))
      }
    default:
      let data = [UInt8](repeating: number, count: dataByteCount)
      let extents = try transaction.allocateExtents(blockCount: 2)
      guard extents.count == 1 else { throw .full(requestedBlocks: 2, freeBlocks: 1) }
      let digests = try BulkCopy.withRawSpan(of: data) { span throws(StorageError) in
        try transaction.writeData(span, at: extents[0].start)
      }
      list.append(Entry(start: extents[0].start.rawValue, blockCount: 2, digest: digests[0]))
    }
  }
}
