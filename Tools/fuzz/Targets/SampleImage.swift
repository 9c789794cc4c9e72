package import CairnBlocks
import CairnDisks
import CairnMemory
import CairnObjects
import CairnTestSupport
package import CairnVolumes

/// An image with something of everything in it (objects small and large, a disk, an open transaction), what it shows, and
/// what it was before.
package struct SampleImage: Sendable {
  /// How its last program ended.
  package enum End: String, CaseIterable, Sendable {
    /// Everything is at home, the journal's tail is its head.
    case checkpointed
    /// Closed, with commits in the journal.
    case closed
    /// The process was killed behind its last flush.
    case killed
  }

  /// How an image is made.
  package struct Recipe: Hashable, Sendable {
    package var end: End
    package var blockByteCount: Int
    package var pageCount: Int
    package var seed: UInt64

    /// 64 blocks are the default: one page of blocks of 1024 bytes.
    package init(_ end: End, blockByteCount: Int = 1024, pageCount: Int = 1, seed: UInt64 = 1) {
      self.end = end
      self.blockByteCount = blockByteCount
      self.pageCount = pageCount
      self.seed = seed
    }

    /// As a word of a replay string: `closed-1024-1-7`.
    package var word: String { "\(end.rawValue)-\(blockByteCount)-\(pageCount)-\(seed)" }

    /// Reads what `word` gives.
    package init?(_ word: String) {
      let parts = word.split(separator: "-")
      guard parts.count == 4, let end = End(rawValue: String(parts[0])), let blockByteCount = Int(parts[1]),
        let pageCount = Int(parts[2]), let seed = UInt64(parts[3]),
        DeviceLimits.blockByteCounts.contains(blockByteCount), (1...64).contains(pageCount)
      else { return nil }
      self.init(end, blockByteCount: blockByteCount, pageCount: pageCount, seed: seed)
    }
  }

  package let recipe: Recipe
  package let bytes: [UInt8]
  package let layout: DeviceLayout
  package let storeID: UInt64
  /// What it shows.
  package let sight: Sight
  /// The image before each step of its making; each step is one commit, or none.
  package let history: [[UInt8]]
  /// What each of those showed.
  package let pastSights: [Sight]

  /// Its bytes and where things are in them.
  package var source: ImageSource { ImageSource(bytes: bytes, layout: layout, storeID: storeID) }

  /// The bytes of a block.
  package func block(_ number: Int) -> ArraySlice<UInt8> { source.block(number) }
}

/// An image to be changed.
package struct ImageSource: Sendable {
  package let bytes: [UInt8]
  package let layout: DeviceLayout
  /// The low half of the store's id, as it stands in headers.
  package let storeID: UInt64

  /// How many blocks it has.
  package var blockCount: Int { bytes.count / layout.blockByteCount }

  /// The bytes of a block.
  package func block(_ number: Int) -> ArraySlice<UInt8> {
    bytes[number * layout.blockByteCount..<(number + 1) * layout.blockByteCount]
  }

  /// The header of a block that is metadata and in its place.
  package func header(_ number: Int) -> BlockHeader? {
    let block = Array(block(number))
    return try? BlockHeader(decoding: block.span, number: UInt64(number), storeID: storeID)
  }
}

extension SampleImage {
  /// The options of every store over a sample; the clock stands still.
  package static func options(seed: UInt64, isReadOnly: Bool = false) -> StoreOptions {
    let random = SharedGenerator(seed: seed)
    var options = StoreOptions(
      filesystems: [ObjectFilesystem(), DiskFilesystem()],
      environment: Environment(now: { 1_000_000_000 }, random: { random.next() }))
    options.device.isReadOnly = isReadOnly
    options.device.memoryBudget = 64 << 10
    return options
  }

  private static func format(_ recipe: Recipe) -> FormatOptions {
    FormatOptions(
      blockByteCount: recipe.blockByteCount, journalByteCount: UInt64(16 * recipe.blockByteCount), imageSlotCount: 2,
      imageSlotBlockCount: 2)
  }

  /// Makes a sample. The same recipe gives the same bytes.
  package static func make(_ recipe: Recipe) throws(StorageError) -> SampleImage {
    let memory = ImageMemory(pageCount: recipe.pageCount)
    var maker = Maker(
      store: try Store.create(on: memory, format: format(recipe), options: options(seed: recipe.seed << 32)),
      memory: memory,
      random: SeededGenerator(seed: recipe.seed), blockByteCount: recipe.blockByteCount)
    try maker.fill()
    if recipe.end == .checkpointed { try maker.step { (store) throws(StorageError) in try store.checkpoint() } }
    if recipe.end == .killed {
      try maker.step { (store) throws(StorageError) in
        try store.transaction { (transaction) throws(StorageError) in
          _ = try transaction.bucket(Sight.bucket).put("last", [1, 2, 3])
        }
      }
    } else {
      try maker.step { (store) throws(StorageError) in try store.close() }
    }
    let shown = try Store.open(on: ImageMemory(memory.bytes), options: options(seed: 2, isReadOnly: true))
    let layout = try DeviceLayout(
      options: format(recipe), byteCount: UInt64(memory.bytes.count), guarantees: memory.guarantees)
    return SampleImage(
      recipe: recipe, bytes: memory.bytes, layout: layout, storeID: shown.storeID.low, sight: Sight(of: shown),
      history: maker.history, pastSights: maker.sights)
  }

  /// Does one thing after the other to a store, and keeps the image before each.
  private struct Maker {
    let store: Store
    let memory: ImageMemory
    var random: SeededGenerator
    let blockByteCount: Int
    var history: [[UInt8]] = []
    var sights: [Sight] = []

    mutating func step(_ body: (Store) throws(StorageError) -> Void) throws(StorageError) {
      history.append(memory.bytes)
      sights.append(Sight(of: store))
      try body(store)
    }

    private mutating func put(_ key: ObjectKey, _ bytes: [UInt8]) throws(StorageError) {
      try step { (store) throws(StorageError) in
        try store.transaction { (transaction) throws(StorageError) in
          _ = try transaction.bucket(Sight.bucket).put(key, bytes, ObjectOptions(contentType: "text/plain"))
        }
      }
    }

    mutating func fill() throws(StorageError) {
      try step { (store) throws(StorageError) in
        try store.createVolume(ObjectVolume.defaultName, kind: .objects)
      }
      try step { (store) throws(StorageError) in
        try store.createDisk(Sight.disk, DiskGeometry(blockCount: 4, blockByteCount: 512))
      }
      try step { (store) throws(StorageError) in
        try store.transaction { (transaction) throws(StorageError) in
          _ = try transaction.objects().createBucket(Sight.bucket)
        }
      }
      let large = blockByteCount * 3 / 2
      try put("small", random.bytes(20 + random.below(60)))
      try put("large", random.bytes(large))
      let sectors = [random.bytes(512), random.bytes(512)]
      try step { (store) throws(StorageError) in
        try store.transaction { (transaction) throws(StorageError) in
          try transaction.disk(Sight.disk).write(1, sectors[0])
        }
      }
      try step { (store) throws(StorageError) in try store.checkpoint() }
      try put("gone", random.bytes(blockByteCount))
      try put("large", random.bytes(large + random.below(100)))
      try step { (store) throws(StorageError) in
        try store.transaction { (transaction) throws(StorageError) in
          _ = try transaction.bucket(Sight.bucket).delete("gone")
          try transaction.disk(Sight.disk).write(1, sectors[1])
        }
      }
      try step { (store) throws(StorageError) in try store.checkpoint() }
      let staged = random.bytes(60)
      try step { (store) throws(StorageError) in _ = try store.begin(lease: .hours(1)) }
      try step { (store) throws(StorageError) in
        guard let id = try store.transactions().first?.id else { return }
        try store.resume(id) { (transaction) throws(StorageError) in
          _ = try transaction.bucket(Sight.bucket).put("staged", staged)
        }
      }
      for number in 0..<4 { try put(ObjectKey("key \(number)"), random.bytes(10 + random.below(40))) }
    }
  }
}

/// A generator that closures share.
package final class SharedGenerator: @unchecked Sendable {
  private let lock = SpinLock()
  private var generator: SeededGenerator
  /// Starts from a seed.
  package init(seed: UInt64) { generator = SeededGenerator(seed: seed) }
  /// The next number.
  package func next() -> UInt64 { lock.with { generator.next() } }
}
