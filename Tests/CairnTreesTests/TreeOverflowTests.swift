import CairnBlocks
import CairnTestSupport
import CairnTrees
import Testing

@Suite("Long values of trees")
struct TreeOverflowTests {
  @Test("values around every limit come back", arguments: [512, 4096, 65536])
  func limits(_ blockByteCount: Int) throws {
    let device = try TestDevice(blockByteCount: blockByteCount, byteCount: 32 << 20)
    var model = TreeModel()
    var generator = SeededGenerator(seed: 9)
    let inline = (blockByteCount - 64) / 4 - 3
    let chunk = 65536
    let lengths =
      [0, 1, 43, 44, 45, inline - 1, inline, inline + 1, blockByteCount - 1, blockByteCount, blockByteCount + 1]
      + [chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 17, 20 * chunk + 1]
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      for (index, length) in lengths.enumerated() {
        let key: [UInt8] = [1, 2, UInt8(index)]
        let value = [UInt8](repeating: UInt8(generator.below(256)), count: length)
        try tree.put(key, value, in: transaction)
        _ = model.put(key, value)
      }
      return tree
    }
    try verify(tree, against: model, on: device, deep: true, "lengths around the limits")
    // Every value becomes another's length and back, so that extents are taken and given back.
    for shift in [1, 7, 3] {
      try device.write { (transaction) throws(StorageError) in
        for index in lengths.indices {
          let key: [UInt8] = [1, 2, UInt8(index)]
          let value = [UInt8](repeating: UInt8(index), count: lengths[(index + shift) % lengths.count])
          #expect(try tree.put(key, value, in: transaction))
          _ = model.put(key, value)
        }
      }
      try verify(tree, against: model, on: device, deep: true, "lengths shifted by \(shift)")
    }
  }

  @Test("a value in many pieces needs a list, and lists of lists")
  func fragments() throws {
    let device = try TestDevice(blockByteCount: 512, byteCount: 8 << 20)
    let value = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 ^ ($0 >> 9)) }
    let tree = try device.write { (transaction) throws(StorageError) in try Tree.create(owner: 0, in: transaction) }
    // Every other block is taken, so that no extent is longer than one block.
    let kept = try device.write { (transaction) throws(StorageError) -> [Extent] in
      let free = transaction.freeBlockCount * 9 / 10
      var singles: [BlockNumber] = []
      for extent in try transaction.allocateExtents(blockCount: free) {
        for offset in 0..<UInt64(extent.count) { singles.append(BlockNumber(extent.start.rawValue + offset)) }
      }
      return singles.map { Extent(start: $0, count: 1) }
    }
    try device.write { (transaction) throws(StorageError) in
      for (index, extent) in kept.enumerated() where index % 2 == 0 { try transaction.free(extent) }
    }
    try device.device.checkpoint()
    let others = try device.usedBlockCount() - 1
    try device.write { (transaction) throws(StorageError) in
      #expect(try !tree.put([1], value, in: transaction))
    }
    var model = TreeModel()
    _ = model.put([1], value)
    let report = try device.read { (view) throws(StorageError) in
      #expect(try tree.get([1], in: view) == value)
      var extents = 0
      return try tree.check(in: view, deep: true) { (visit) in if case .extent = visit { extents += 1 } }
    }
    #expect(report.problems == [] && report.overflowByteCount == 400_000)
    try verify(tree, against: model, on: device, deep: true, "in pieces", otherBlocks: others)
    try device.write { (transaction) throws(StorageError) in
      #expect(try tree.delete([1], in: transaction))
    }
    #expect(try device.usedBlockCount() == others + 1)
  }

  @Test("a value whose bytes or description are damaged is an error, not a wrong value")
  func damaged() throws {
    let device = try TestDevice(blockByteCount: 4096)
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      try tree.put([1], [UInt8](repeating: 7, count: 9000), in: transaction)
      return tree
    }
    // The descriptor is the last thing in the leaf: count, depth, extents, digests.
    for offset in (4096 - 36)..<4096 {
      let refused: Void? = try? device.write { (transaction) throws(StorageError) in
        let bytes = try transaction.edit(tree.root)
        bytes.store(bytes.bytes.u8(at: offset) ^ 0x15, at: offset)
        #expect(throws: StorageError.self) { try tree.get([1], in: transaction.view) }
        let report = try tree.check(in: transaction.view, deep: true) { (_) in }
        #expect(report.problems == [TreeProblem(tree.root, .overflow)])
        throw StorageError.transactionFailed
      }
      #expect(refused == nil)
    }
  }

  @Test("a value that cannot be written leaves everything as it was")
  func full() throws {
    let device = try TestDevice(blockByteCount: 512, byteCount: 2 << 20, growsByItself: false)
    let tree = try device.write { (transaction) throws(StorageError) in try Tree.create(owner: 0, in: transaction) }
    var model = TreeModel()
    try device.write { (transaction) throws(StorageError) in _ = try tree.put([1], [1], in: transaction) }
    _ = model.put([1], [1])
    do {
      try device.write { (transaction) throws(StorageError) in
        _ = try tree.put([1], [UInt8](repeating: 2, count: 4 << 20), in: transaction)
      }
      Issue.record("more was written than there is space for")
    } catch .full {}
    try verify(tree, against: model, on: device, "after a full device")
  }
}
