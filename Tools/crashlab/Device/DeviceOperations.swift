import CairnBlocks
import CairnBytes
import CairnTestSupport

/// What the letters of a device trace do within a transaction, to the device and to its model alike.
struct DeviceOperations {
  /// Where the operation's choices come from: the same for the same place in a trace.
  var random: SeededGenerator

  /// Runs one letter; the model becomes what a commit would show.
  mutating func perform(_ letter: Character, _ model: inout DeviceState, _ transaction: BlockTransaction)
    throws(StorageError)
  {
    switch letter {
    case "a": try allocate(&model, transaction)
    case "c": for block in model.blocks.keys.sorted() { try change(block, &model, transaction) }
    case "C": if let block = pick(model.blocks.keys) { try change(block, &model, transaction) }
    case "f":
      guard let block = pick(model.blocks.keys) else { return }
      try transaction.free(BlockNumber(block))
      model.blocks[block] = nil
    case "x": try write(blockCount: 2, &model, transaction)
    case "X": try write(blockCount: 12, &model, transaction)
    case "d":
      guard let start = pick(model.data.keys), let piece = model.data[start] else { return }
      try transaction.free(Extent(start: BlockNumber(start), count: piece.blockCount))
      model.data[start] = nil
    case "m": for letter in "daCx" { try perform(letter, &model, transaction) }
    case "g":
      let blocks = 65536 / UInt64(transaction.view.blockByteCount)
      try transaction.grow(byBlocks: blocks)
      model.grownByteCount += 65536
    default: throw .invalidArgument("there is no operation \(letter)")
    }
  }

  private mutating func allocate(_ model: inout DeviceState, _ transaction: BlockTransaction) throws(StorageError) {
    let block = try transaction.allocate(kind: .lab, owner: 1)
    model.blocks[block.rawValue] = [UInt8](repeating: 0, count: DeviceState.blockByteCount)
    try change(block.rawValue, &model, transaction)
  }

  private mutating func change(_ block: UInt64, _ model: inout DeviceState, _ transaction: BlockTransaction)
    throws(StorageError)
  {
    let bytes = random.bytes(24)
    let offset = random.below(3) * 12
    try transaction.change(BlockNumber(block), at: 32 + offset, bytes.span)
    model.blocks[block]?.replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }

  private mutating func write(
    blockCount: UInt64, _ model: inout DeviceState, _ transaction: BlockTransaction
  ) throws(StorageError) {
    for extent in try transaction.allocateExtents(blockCount: blockCount) {
      let bytes = random.bytes(Int(extent.count) * transaction.view.blockByteCount - random.below(200))
      let digests = try BulkCopy.withRawSpan(of: bytes) { span throws(StorageError) in
        try transaction.writeData(span, at: extent.start)
      }
      model.data[extent.start.rawValue] = DeviceState.Piece(blockCount: extent.count, bytes: bytes, digests: digests)
    }
  }

  private mutating func pick(_ keys: some Collection<UInt64>) -> UInt64? {
    keys.isEmpty ? nil : keys.sorted()[random.below(keys.count)]
  }
}
