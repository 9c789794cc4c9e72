import CairnBlocks
import CairnBytes
import CairnDisks
import CairnMemory
import CairnObjects
import CairnTestSupport
import CairnVolumes
import Testing

/// A small store with something of everything is damaged in every block in turn, and salvaged: the copy is clean and holds just
/// what verifies; everything else was told.
@Suite("Salvage")
struct SalvageTests {
  private final class Salt: @unchecked Sendable {
    private let lock = SpinLock()
    private var generator = SeededGenerator(seed: 5)
    func next() -> UInt64 { lock.with { generator.next() } }
  }

  private static func options() -> StoreOptions {
    let salt = Salt()
    return StoreOptions(
      filesystems: [ObjectFilesystem(), DiskFilesystem()],
      environment: Environment(now: { 1_000_000_000_000_000 }, random: { salt.next() }))
  }

  private static let blockByteCount = 512
  private static let objectCount = 40
  private static let diskBlockCount: UInt64 = 30

  /// What a store shows: objects by volume, bucket and key; blocks of the disk that are not zeros.
  private struct Contents: Equatable {
    var objects: [String: [UInt8]] = [:]
    var blocks: [UInt64: [UInt8]] = [:]
  }

  private static func bytes(_ index: Int) -> [UInt8] {
    var generator = SeededGenerator(seed: UInt64(index) + 100)
    // In the record, in one block, in several.
    return generator.bytes([20, 60, 700, 3000, 150][index % 5])
  }

  /// A closed image: checkpointed, so that the homes of all blocks count and not the journal.
  private static func image(isCheckpointed: Bool = true) throws -> [UInt8] {
    let memory = SimulatedMemory(pageCount: 6)
    let store = try Store.create(
      on: memory, format: FormatOptions(blockByteCount: blockByteCount, journalByteCount: 32 * 1024), options: options()
    )
    try store.createVolume("objects", kind: .objects)
    try store.createDisk("disk", DiskGeometry(blockCount: diskBlockCount, blockByteCount: 512), quotaByteCount: 1 << 18)
    try store.grant(.read, to: Principal("alice"), on: .store)
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.createBucket("a")
      try transaction.createBucket("b")
    }
    for index in 0..<objectCount {
      try store.transaction { (transaction) throws(StorageError) in
        let bucket = try transaction.bucket(index % 3 == 0 ? "a" : "b")
        var options = ObjectOptions(contentType: "text/plain")
        options.metadata = ["number": "\(index)"]
        try bucket.put(key(index), bytes(index), options)
      }
    }
    for block in 0..<diskBlockCount / 2 {
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.disk("disk").write(block * 2, [UInt8](repeating: UInt8(block + 1), count: 512))
      }
    }
    if isCheckpointed { try store.checkpoint() }
    try store.close()
    return memory.durableImage
  }

  private static func key(_ index: Int) -> ObjectKey { ObjectKey("key-\(1000 + index * 7 % 71)-of-some-length") }

  private static func contents(_ store: Store) throws -> Contents {
    try store.read { (transaction) throws(StorageError) in
      var contents = Contents()
      for volume in try transaction.volumes() {
        if volume.kind == .disk {
          let disk = try transaction.disk(volume.name)
          for block in 0..<disk.geometry.blockCount {
            let bytes = try disk.read(block)
            if bytes.contains(where: { $0 != 0 }) { contents.blocks[block] = bytes }
          }
        } else {
          for bucket in try transaction.objects(volume.name).buckets() {
            let handle = try transaction.bucket(bucket.name, volume: volume.name)
            for object in try handle.list(ObjectQuery(limit: 1000)).objects {
              let info = try handle.head(object.key)
              #expect(info.contentType == "text/plain" && info.metadata["number"] != nil && info.modified > 0)
              contents.objects["\(object.key)"] = try handle.get(object.key)
            }
          }
        }
      }
      return contents
    }
  }

  private struct Salvaged {
    var contents: Contents
    var losses: [String]
    var names: [String]
  }

  private static func salvage(_ image: [UInt8]) throws -> Salvaged {
    let target = SimulatedMemory(pageCount: 0)
    var losses: [String] = []
    let report = try Store.salvage(
      from: SimulatedMemory(image: image), to: target, options: options(),
      lost: { (loss) throws(StorageError) in losses.append(loss.description) })
    #expect(report.lossCount == UInt64(losses.count))
    // What is durable at the end is the copy: all of it.
    let store = try Store.open(on: SimulatedMemory(image: target.durableImage), options: options())
    let check = try store.check(deep: true)
    #expect(check.isClean, "\(check.findings)")
    return Salvaged(contents: try contents(store), losses: losses, names: try store.volumes().map { $0.name })
  }

  @Test("of a sound image is a copy of all of it, and tells no loss", arguments: [false, true])
  func sound(isCheckpointed: Bool) throws {
    let image = try Self.image(isCheckpointed: isCheckpointed)
    let original = try Store.open(on: SimulatedMemory(image: image), options: Self.options())
    let salvaged = try Self.salvage(image)
    #expect(salvaged.losses == [])
    #expect(try salvaged.contents == Self.contents(original))
    #expect(salvaged.names == ["objects", "disk"])
  }

  /// What reading each thing by itself gives of a damaged store: what lies behind one damaged leaf or in one damaged block of
  /// data is missing, nothing else.
  private static func readable(_ image: [UInt8], _ all: Contents) throws -> Contents? {
    guard let store = try? Store.open(on: SimulatedMemory(image: image), options: options()) else { return nil }
    return try? store.read { (transaction) throws(StorageError) in
      var found = Contents()
      for (key, bytes) in all.objects {
        for bucket in ["a", "b"] {
          if let read = try? transaction.bucket(bucket).get(ObjectKey(key)) {
            #expect(read == bytes)
            found.objects[key] = read
          }
        }
      }
      for (block, bytes) in all.blocks {
        if let read = try? transaction.disk("disk").read(block) {
          #expect(read == bytes)
          found.blocks[block] = read
        }
      }
      return found
    }
  }

  @Test("of an image with one damaged block holds just what verifies, whichever block it is", arguments: [0, 1])
  func everyBlock(_ way: Int) throws {
    let image = try Self.image()
    let size = Self.blockByteCount
    let original = try Self.contents(Store.open(on: SimulatedMemory(image: image), options: Self.options()))
    let map = try BlockDevice.open(
      SimulatedMemory(image: image), options: OpenOptions(isReadOnly: true), environment: Self.options().environment
    ).read { (view) throws(StorageError) in try view.allocationMap() }
    var innerNodes = 0
    var lossless = 0
    for block in 0..<image.count / size {
      // Both ways for what is in use; of the rest every other one.
      guard map.isAllocated(BlockNumber(UInt64(block))) || block % 8 == way else { continue }
      var damaged = image
      let range = block * size..<(block + 1) * size
      var generator = SeededGenerator(seed: UInt64(block))
      if way == 0 {
        damaged[block * size + 4 + generator.below(size - 4)] ^= 1 << UInt8(generator.below(8))
      } else {
        damaged.replaceSubrange(range, with: generator.bytes(size))
      }
      if damaged == image { continue }
      let salvaged = try Self.salvage(damaged)
      // What is there is what was there.
      for (key, bytes) in salvaged.contents.objects { try #require(original.objects[key] == bytes, "block \(block)") }
      for (number, bytes) in salvaged.contents.blocks {
        try #require(original.blocks[number] == bytes, "block \(block)")
      }
      let isWhole = salvaged.contents == original
      if !isWhole { #expect(!salvaged.losses.isEmpty, "block \(block)") }
      if salvaged.losses.isEmpty { lossless += 1 }

      let number = BlockNumber(UInt64(block))
      guard map.isAllocated(number), !map.isReserved(number) else {
        // Superblocks, journal behind the tail, images, bitmaps, generations, geometry, free blocks: nothing of a user's.
        #expect(isWhole, "block \(block)")
        continue
      }
      let header = image[range]
      let isNode = header[range.lowerBound + 4] == 0x10 && LittleEndian.uint64(header.span, at: 16) == number.rawValue
      let (owner, level) = (header[range.lowerBound + 6], header[range.lowerBound + 7])
      // A root's level stands in its body.
      let depth = level == 255 ? image[range.lowerBound + 35] : level
      if isNode && (owner == 255 || depth > 0) {
        // The catalog takes names along; an inner node leads to leaves that are found without it.
        innerNodes += 1
        #expect(isWhole, "block \(block), owner \(owner), level \(level): \(salvaged.losses)")
      } else if isNode && level == 255 {
        // The one leaf of a small tree: buckets' names or runs.
        continue
      } else {
        let readable = try #require(try Self.readable(damaged, original), "block \(block)")
        let hasSameObjects = salvaged.contents.objects == readable.objects
        // The disk's first leaf takes its size along, so that nothing of it can be read; the rest is brought over nevertheless.
        let hasSameBlocks = salvaged.contents.blocks == readable.blocks || readable.blocks.isEmpty
        #expect(
          hasSameObjects && hasSameBlocks, "block \(block), owner \(owner), level \(level): \(salvaged.losses)")
      }
    }
    #expect(innerNodes >= 3)
    #expect(lossless > 20)
  }

  @Test("of an image whose journal is damaged shows what was there before, and tells it")
  func journal() throws {
    let image = try Self.image(isCheckpointed: false)
    let original = try Self.contents(Store.open(on: SimulatedMemory(image: image), options: Self.options()))
    var told = 0
    for block in 64..<128 {
      var damaged = image
      for offset in block * Self.blockByteCount..<(block + 1) * Self.blockByteCount { damaged[offset] = 0xA5 }
      guard (try? Store.open(on: SimulatedMemory(image: damaged), options: Self.options())) == nil else { continue }
      let salvaged = try Self.salvage(damaged)
      for (key, bytes) in salvaged.contents.objects { #expect(original.objects[key] == bytes) }
      #expect(!salvaged.losses.isEmpty)
      told += 1
    }
    #expect(told > 0)
  }

  @Test("rolls open transactions back, keeps grants and outcomes, and tells of a kind that nobody knows")
  func catalog() throws {
    let memory = SimulatedMemory(pageCount: 80)
    let options = Self.options()
    let store = try Store.create(on: memory, options: options)
    try store.createVolume("objects", kind: .objects)
    try store.createDisk("disk", DiskGeometry(blockCount: 4), quotaByteCount: 1 << 20)
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.createBucket("a")
      try transaction.bucket("a").put("k", [UInt8](repeating: 7, count: 2_500_000))
    }
    try store.grant(.write, to: Principal("bob"), on: .volume(try #require(VolumeID(rawValue: 1))))
    let done = try store.begin()
    try store.commit(done)
    let open = try store.begin()
    try store.resume(open) { (transaction) throws(StorageError) in try transaction.bucket("a").put("staged", [1, 2, 3])
    }
    try store.close()

    var losses: [SalvageLoss] = []
    let target = SimulatedMemory(pageCount: 0)
    var objectsOnly = options
    objectsOnly.filesystems = [ObjectFilesystem()]
    let report = try Store.salvage(
      from: SimulatedMemory(image: memory.durableImage), to: target, options: objectsOnly,
      lost: { (loss) throws(StorageError) in losses.append(loss) })
    #expect(!report.isWhole && report.volumeCount == 1 && report.itemCount == 1 && report.byteCount == 2_500_000)
    let copy = try Store.open(on: target, options: options)
    #expect(try copy.check(deep: true).isClean)
    #expect(losses.contains { $0.volume == "disk" && $0.text.contains("the whole volume") })
    #expect(losses.contains { $0.text.contains("transaction \(open) with 1 staged operations") })
    #expect(losses.contains { $0.key == Array("bob".utf8) })
    #expect(losses.count == 3)
    // A late answer is the right one.
    try copy.commit(done)
    let error = #expect(throws: StorageError.self) { try copy.commit(open) }
    guard case .transactionState? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    try copy.rollback(open)
    #expect(copy.storeID.low != store.storeID.low)
  }
}
