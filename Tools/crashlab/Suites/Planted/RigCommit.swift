import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport

/// One commit, by its letter and a seed that decides the rest: done again on the same state, it is the same commit.
///
///     a  allocates a metadata block          c  changes some bytes of a few         f  frees one
///     A  the same, where data lay            C  changes many bytes of a few         x  writes data
///     b  a and D                             D  changes many bytes of all           y  x and C
///     X  writes data that pretend to be metadata                                    d  frees data
///     B  writes 17 MiB of data                                                      z  f and d, and nothing may stay of them
struct RigCommit {
  var letter: Character
  var seed: UInt64

  func perform(on state: inout RigState, _ transaction: BlockTransaction) throws(StorageError) {
    var random = SeededGenerator(seed: seed)
    // Of any length, so that the last record ends anywhere in its sector.
    transaction.annotation.principal = random.bytes(random.below(64))
    switch letter {
    case "a", "A": try allocate(&state, transaction, &random)
    case "c":
      for _ in 0..<1 + random.below(3) { try change(&state, transaction, &random, byteCount: 1 + random.below(20)) }
    case "C", "y":
      if letter == "y" { try writeData(&state, transaction, &random) }
      for _ in 0..<1 + random.below(4) { try changeMuch(nil, &state, transaction, &random) }
    case "D", "b":
      if letter == "b" { try allocate(&state, transaction, &random) }
      for block in state.blocks.keys.sorted().prefix(8) { try changeMuch(block, &state, transaction, &random) }
    case "f": try freeBlock(&state, transaction, &random)
    case "x", "X", "B": try writeData(&state, transaction, &random)
    case "d": try freeData(&state, transaction, &random)
    case "z":
      transaction.erasesFreed = true
      defer { transaction.erasesFreed = false }
      if let freed = try freeBlock(&state, transaction, &random) { state.erased[freed] = 1 }
      if let freed = try freeData(&state, transaction, &random) { state.erased[freed.start.rawValue] = freed.count }
    default: throw .invalidArgument("no commit has the letter \(letter)")
    }
    if state.freed.count > 4 { state.freed.removeFirst(state.freed.count - 4) }
  }

  static func pick(_ keys: some Collection<UInt64>, _ random: inout SeededGenerator) -> UInt64? {
    keys.isEmpty ? nil : keys.sorted()[random.below(keys.count)]
  }

  @discardableResult
  private func freeBlock(
    _ state: inout RigState, _ transaction: BlockTransaction, _ random: inout SeededGenerator
  ) throws(StorageError) -> UInt64? {
    guard let block = Self.pick(state.blocks.keys, &random) else { return nil }
    try transaction.free(BlockNumber(block))
    state.blocks[block] = nil
    state.freed.append(block)
    return block
  }

  @discardableResult
  private func freeData(
    _ state: inout RigState, _ transaction: BlockTransaction, _ random: inout SeededGenerator
  ) throws(StorageError) -> Extent? {
    guard let start = Self.pick(state.extents.keys, &random), let old = state.extents[start] else { return nil }
    let extent = Extent(start: BlockNumber(start), count: old.count)
    try transaction.free(extent)
    state.extents[start] = nil
    state.freed.append(start)
    return extent
  }

  private func near(_ state: RigState, _ random: inout SeededGenerator) -> BlockNumber? {
    guard letter == "A" || random.below(4) != 0, !state.freed.isEmpty else { return nil }
    return BlockNumber(
      letter == "A" ? state.freed[state.freed.count - 1] : state.freed[random.below(state.freed.count)])
  }

  private func allocate(
    _ state: inout RigState, _ transaction: BlockTransaction, _ random: inout SeededGenerator
  ) throws(StorageError) {
    let payload = transaction.view.blockByteCount - BlockHeader.byteCount
    let block = try transaction.allocate(kind: RigState.kind, owner: 7, near: near(state, &random))
    state.noteUse(of: Extent(start: block, count: 1))
    state.blocks[block.rawValue] = [UInt8](repeating: 0, count: payload)
    try put(random.bytes(1 + random.below(40)), in: block.rawValue, at: random.below(payload - 40), &state, transaction)
  }

  /// Changes a quarter to three quarters of a block; without one, of any.
  private func changeMuch(
    _ block: UInt64?, _ state: inout RigState, _ transaction: BlockTransaction, _ random: inout SeededGenerator
  ) throws(StorageError) {
    let quarter = (transaction.view.blockByteCount - BlockHeader.byteCount) / 4
    let byteCount = quarter + random.below(2 * quarter)
    guard let block else { return try change(&state, transaction, &random, byteCount: byteCount) }
    try put(random.bytes(byteCount), in: block, at: random.below(4 * quarter - byteCount), &state, transaction)
  }

  private func change(
    _ state: inout RigState, _ transaction: BlockTransaction, _ random: inout SeededGenerator, byteCount: Int
  ) throws(StorageError) {
    guard let block = Self.pick(state.blocks.keys, &random) else { return }
    let payload = transaction.view.blockByteCount - BlockHeader.byteCount
    try put(random.bytes(byteCount), in: block, at: random.below(payload - byteCount), &state, transaction)
  }

  private func put(
    _ bytes: [UInt8], in block: UInt64, at offset: Int, _ state: inout RigState, _ transaction: BlockTransaction
  ) throws(StorageError) {
    try transaction.change(BlockNumber(block), at: BlockHeader.byteCount + offset, bytes.span)
    state.blocks[block]?.replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }

  private func writeData(
    _ state: inout RigState, _ transaction: BlockTransaction, _ random: inout SeededGenerator
  ) throws(StorageError) {
    let blockByteCount = transaction.view.blockByteCount
    // Letter B: more than a commit may bring without a flush of its own.
    let blockCount = letter == "B" ? (17 << 20) / blockByteCount : 1 + random.below(6)
    let extents = try transaction.allocateExtents(blockCount: UInt64(blockCount), near: near(state, &random))
    for extent in extents {
      state.noteUse(of: extent)
      var bytes: [UInt8] = []
      if letter == "X" {
        for block in extent.start.rawValue..<extent.end {
          bytes += forgedBlock(block, state.storeID, blockByteCount, &random)
        }
      } else if letter == "B" {
        bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: Int(extent.count) * blockByteCount)
      } else {
        bytes = random.bytes(1 + random.below(Int(extent.count) * blockByteCount))
      }
      let digests = try BulkCopy.withRawSpan(of: bytes) { (span) throws(StorageError) in
        try transaction.writeData(span, at: extent.start)
      }
      state.extents[extent.start.rawValue] = RigState.StoredExtent(
        count: extent.count, bytes: bytes, digests: digests)
    }
  }

  /// User data that look like a metadata block of this device at this very place, and a recent one.
  private func forgedBlock(
    _ block: UInt64, _ storeID: UInt64, _ byteCount: Int, _ random: inout SeededGenerator
  ) -> [UInt8] {
    var bytes = random.bytes(byteCount)
    var span = bytes.mutableSpan
    BlockHeader(
      kind: RigState.kind, generation: 0, owner: 7, level: 0, storeID: storeID, number: BlockNumber(block),
      sequence: UInt64(1 + random.below(60))
    ).seal(&span)
    return bytes
  }
}
