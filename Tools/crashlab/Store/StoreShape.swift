import CairnBlocks
import CairnDisks
import CairnMaps
import CairnObjects
import CairnTestSupport
import CairnVolumes

/// How the store of a trace is made, and what is in it from the beginning.
struct StoreShape: Sendable {
  static let bucket = "bucket"
  static let map = "map"
  static let disk = "disk"
  static let volumes: Set<String> = [ObjectVolume.defaultName, map, disk]

  let name: String
  var pageCount: UInt64 = 4
  var blockByteCount = 512
  var ringBlockCount = 96
  var isMessageAtomic = false

  static let all = [
    StoreShape(name: "b512"),
    StoreShape(name: "b4096", pageCount: 10, blockByteCount: 4096, ringBlockCount: 20),
    StoreShape(name: "b512wide", pageCount: 6, ringBlockCount: 256),
    StoreShape(name: "b512atomic", isMessageAtomic: true),
  ]

  static func named(_ name: String) throws -> StoreShape {
    guard let shape = all.first(where: { $0.name == name }) else { throw LabError("there is no shape \(name)") }
    return shape
  }

  var format: FormatOptions {
    FormatOptions(
      blockByteCount: blockByteCount, journalByteCount: UInt64(ringBlockCount * blockByteCount), imageSlotCount: 2,
      imageSlotBlockCount: blockByteCount == 512 ? 8 : 4)
  }

  /// Options whose clock stands still and whose random numbers come from a seed.
  func options(_ seed: UInt64) -> StoreOptions {
    var options = StoreOptions(
      filesystems: [ObjectFilesystem(), DiskFilesystem(), MapFilesystem()], environment: .seeded(seed))
    options.device.memoryBudget = 2 << 20
    return options
  }

  /// A new store with an empty bucket, map and disk, closed: the memory.
  func makeMemory() throws(StorageError) -> SimulatedMemory {
    let memory = SimulatedMemory(pageCount: pageCount, isMessageAtomic: isMessageAtomic)
    let store = try Store.create(on: memory, format: format, options: options(0x5EED))
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    try store.createDisk(
      Self.disk, DiskGeometry(blockCount: UInt64(StoreState.blockCount), blockByteCount: 512))
    try store.createMap(Self.map)
    try store.transaction { (transaction) throws(StorageError) in
      _ = try transaction.objects().createBucket(Self.bucket)
    }
    try store.close()
    return memory
  }
}
