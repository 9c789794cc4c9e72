import CairnBlocks
import CairnBytes
import CairnMemory
import CairnTestSupport
import CairnTrees

/// An image with one ordered map of three levels in it, values inside and outside of the leaves.
struct TreeSample: Sendable {
  let source: ImageSource
  private let tree: Tree
  private let keys: [[UInt8]]

  private static let format = FormatOptions(
    blockByteCount: 512, journalByteCount: 64 * 512, imageSlotCount: 2, imageSlotBlockCount: 2)

  private static func environment() -> Environment {
    let random = SharedGenerator(seed: 9)
    return Environment(now: { 1 }, random: { random.next() })
  }

  static func open(_ memory: any StableMemory) throws(StorageError) -> BlockDevice {
    var options = OpenOptions(memoryBudget: 64 << 10)
    options.validator = { kind, block, byteCount in
      kind != .treeNode || TreeNode.isWellFormed(block, blockByteCount: byteCount)
    }
    return try BlockDevice.open(memory, options: options, environment: environment())
  }

  static func make() throws(StorageError) -> TreeSample {
    let memory = ImageMemory(pageCount: 2)
    try BlockDevice.format(memory, options: format, environment: environment())
    let device = try open(memory)
    var random = SeededGenerator(seed: 5)
    var keys: [[UInt8]] = []
    for number in 0..<90 {
      // Long prefixes that many share, and keys that differ in their first byte.
      let start = number % 3 == 0 ? random.bytes(1) : Array("shared/prefix/of/some/length/".utf8)
      keys.append(start + Array("\(number)".utf8) + random.bytes(random.below(12)))
    }
    let values = keys.map { _ in random.bytes(random.below(10) == 0 ? 700 : random.below(40)) }
    let tree = try device.transaction { (writer) throws(StorageError) in
      let tree = try Tree.create(owner: 1, in: writer)
      try writer.setRoot(tree.root)
      return tree
    }
    for index in keys.indices {
      _ = try device.transaction { (writer) throws(StorageError) in try tree.put(keys[index], values[index], in: writer)
      }
    }
    try device.checkpoint()
    let layout = try DeviceLayout(
      options: format, byteCount: UInt64(memory.bytes.count), guarantees: memory.guarantees)
    return TreeSample(
      source: ImageSource(bytes: memory.bytes, layout: layout, storeID: device.storeID.low), tree: tree, keys: keys)
  }

  /// Does everything to the map in an image that can be done to one.
  func exercise(_ image: [UInt8]) {
    guard let device = try? Self.open(ImageMemory(image)) else { return }
    try? device.read { (view) throws(StorageError) in look(at: view) }
    for key in keys.prefix(30) { change(device) { (writer) throws(StorageError) in try tree.delete(key, in: writer) } }
    for number in 0..<30 {
      change(device) { (writer) throws(StorageError) in
        try tree.put(keys[3 * number] + [1], [UInt8](repeating: 1, count: number * 20), in: writer)
      }
    }
    change(device) { (writer) throws(StorageError) in
      try tree.deleteRange(from: keys[40], to: keys[70], in: writer)
    }
    try? device.read { (view) throws(StorageError) in look(at: view) }
    change(device) { (writer) throws(StorageError) in try tree.destroy(in: writer) }
    try? device.checkpoint()
    _ = try? device.checkDevice()
    try? device.close()
  }

  private func change<Result>(_ device: BlockDevice, _ body: (BlockTransaction) throws(StorageError) -> Result) {
    _ = try? device.transaction { (writer) throws(StorageError) in _ = try body(writer) }
  }

  private func look(at view: BlockView) {
    for key in keys { _ = try? tree.get(key, in: view) }
    _ = try? tree.count(in: view)
    _ = try? tree.check(in: view, deep: true) { (_) throws(StorageError) in }
    // Keys must ascend from leaf to leaf, so a walk ends whatever the nodes say; a bound finds out if it does not.
    var cursor = tree.cursor(in: view)
    var isFound = (try? cursor.seekFirst()) ?? false
    var steps = 0
    while isFound {
      steps += 1
      precondition(steps < 1_000_000, "a walk does not end")
      _ = try? cursor.value()
      isFound = (try? cursor.next()) ?? false
    }
    isFound = (try? cursor.seekLast()) ?? false
    while isFound {
      steps += 1
      precondition(steps < 1_000_000, "a walk backwards does not end")
      isFound = (try? cursor.previous()) ?? false
    }
    for key in keys.prefix(20) { _ = try? cursor.seek(to: key) }
  }
}
