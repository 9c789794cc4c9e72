#if arch(wasm32)
  import CairnBlocks
  import CairnBytes
  import CairnDisks
  import CairnMaps
  import CairnMemory
  import CairnObjects
  import CairnTables
  import CairnVolumes

  /// L4 and L5: long work in steps, checks in pieces, and a filesystem of the program's own.
  func smokeWork() -> Bool {
    let memory: any StableMemory = HeapMemory(pageCount: 256)
    do throws(StorageError) {
      let options = StoreOptions(
        filesystems: [ObjectFilesystem(), DiskFilesystem(), MapFilesystem(), TableFilesystem(), Tally()],
        environment: smokeEnvironment())
      let store = try Store.create(on: memory, format: FormatOptions(), options: options)
      try begin(store)
      guard try store.works().count == 9, try store.works().first?.stepCount == 0 else { return false }
      try store.cancelWork(try store.works().last?.id ?? 0)
      while try !store.step(budget: 3) {}
      let isEmpty = try store.read { (transaction) throws(StorageError) -> Bool in
        try transaction.map("numbers", UInt8.self, Bool.self).isEmpty()
      }
      let tally = try store.transaction { (transaction) throws(StorageError) in
        try Tally.raise(try transaction.volume("tally", kind: Tally.tally), by: 5)
      }
      var pieces = 0
      var cursor: CheckCursor?
      repeat {
        let piece = try store.check(volume: "disk", deep: true, after: cursor, budget: 2)
        guard piece.report.isClean else { return false }
        cursor = piece.next
        pieces += 1
      } while cursor != nil
      return isEmpty && tally == 12 && pieces > 1
    } catch {
      return false
    }
  }

  private func begin(_ store: Store) throws(StorageError) {
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    try store.createVolume("tally", kind: Tally.tally)
    try store.createDisk("disk", DiskGeometry(blockCount: 16))
    try store.createMap("numbers", UInt8.self, Bool.self)
    let columns = [ColumnDefinition("id", .int64)]
    try store.openTables("tables", try DatabaseSchema([TableSchema("t", columns: columns, primaryKey: ["id"])]))
    try store.transaction { (transaction) throws(StorageError) in
      for number in UInt8(0)..<20 { try transaction.map("numbers", UInt8.self, Bool.self).put(number, true) }
      try transaction.disk("disk").write(3, [UInt8](repeating: 5, count: 8 * 4096))
      try transaction.createBucket("media")
      try transaction.createBucket("copies")
      try transaction.bucket("media").put("cat.jpg", [1, 2, 3])
      try transaction.tables().table("t").insert([.integer(1)])
    }
    try store.transaction { (transaction) throws(StorageError) in
      let map = try transaction.map("numbers", UInt8.self, Bool.self)
      try map.beginRemovingRange(from: 3, to: 9)
      try map.beginClearing()
      try transaction.disk("disk").beginTrimming(3..<6)
      try transaction.bucket("media").beginCopyingAll(to: "copies")
      try transaction.bucket("copies").beginCopying("cat.jpg", from: transaction.bucket("media"), to: "cat")
      try transaction.tables().table("t").beginDeleting(where: .compare("id", .less, .integer(0)))
      try transaction.bucket("media").beginDeletingAll()
      try transaction.objects().beginDeleting(bucket: "copies")
      let indexed = TableSchema("t", columns: columns, primaryKey: ["id"], indexes: [IndexDefinition("i", on: ["id"])])
      try transaction.tables().alterTable(indexed, inSteps: true)
      _ = try Tally.raise(try transaction.volume("tally", kind: Tally.tally), by: 7)
    }
  }

  /// A filesystem that keeps one number.
  private final class Tally: Filesystem {
    static let tally = VolumeKind("tlly")
    private static let key: [UInt8] = [1]

    var kind: VolumeKind { Self.tally }
    var formatVersion: UInt16 { 1 }

    func format(_ volume: Volume, options: [UInt8]) throws(StorageError) {}

    func apply(_ operation: [UInt8], to volume: Volume) throws(StorageError) {
      _ = try Self.add(
        try volume.decode(operation) { (reader) throws(ByteReader.Failure) in try reader.uint64() }, to: volume)
    }

    func check(_ volume: Volume, _ check: VolumeCheck) throws(StorageError) { try check.tree(volume.root) }

    func remove(_ volume: Volume, budget: Int) throws(StorageError) -> Bool {
      var budget = budget
      return try volume.empty(volume.root, budget: &budget)
    }

    /// Raises the number; what it is then.
    static func raise(_ volume: Volume, by amount: UInt64) throws(StorageError) -> UInt64 {
      try volume.perform(recordsReads: true, operation: { bytes(amount) }) { () throws(StorageError) in
        try add(amount, to: volume)
      }
    }

    private static func add(_ amount: UInt64, to volume: Volume) throws(StorageError) -> UInt64 {
      let stored = try volume.withoutRecording { () throws(StorageError) in try volume.root.get(key) }
      let old = try stored.map { (bytes) throws(StorageError) in
        try volume.decode(bytes) { (reader) throws(ByteReader.Failure) in try reader.uint64() }
      }
      let new = (old ?? 0) &+ amount
      try volume.root.put(key, bytes(new))
      return new
    }

    private static func bytes(_ number: UInt64) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }
  }
#endif
