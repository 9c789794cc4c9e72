#if arch(wasm32)
  import CairnBlocks
  import CairnDisks
  import CairnMaps
  import CairnMemory
  import CairnObjects
  import CairnTrees
  import CairnVolumes

  private let environment = Environment(now: { 1_000_000_000 }, random: { 0x1234_5678_9ABC_DEF0 })

  /// L3: every entry point of an ordered map, the generic ones above all.
  func smokeTrees() -> Bool {
    let memory: any StableMemory = HeapMemory(pageCount: 256)
    do throws(StorageError) {
      try BlockDevice.format(memory, options: FormatOptions(), environment: environment)
      let device = try BlockDevice.open(memory, options: OpenOptions(memoryBudget: 4 << 20), environment: environment)
      let tree = try device.transaction { (transaction) throws(StorageError) -> Tree in
        let tree = try Tree.create(owner: 1, in: transaction)
        for number in 0..<UInt8(200) { try tree.put([number, 1], [number], in: transaction) }
        try tree.put([7, 1], [UInt8](repeating: 7, count: 9000), in: transaction)
        _ = try tree.delete([8, 1], in: transaction)
        _ = try tree.deleteRange(from: [20], to: [30], in: transaction)
        return tree
      }
      return try device.read { (view) throws(StorageError) -> Bool in
        var cursor = tree.cursor(in: view)
        guard try cursor.seek(to: [10]), try cursor.next(), try cursor.previous() else { return false }
        let key = try cursor.withKey { (bytes) throws(StorageError) in bytes.byteCount }
        let long = try tree.withValue(for: [7, 1], in: view) { (bytes) throws(StorageError) in bytes.byteCount }
        var scanned = 0
        try tree.scan(from: [100], to: [110], in: view) { (_, _) throws(StorageError) -> Bool in
          scanned += 1
          return true
        }
        let report = try tree.check(in: view, deep: true) { (_) throws(StorageError) in }
        let count = try tree.count(in: view)
        let found = try tree.get([9, 1], in: view)
        return key == 2 && long == 9000 && scanned == 10 && count == 189 && found == [9] && report.problems.isEmpty
      }
    } catch {
      return false
    }
  }

  /// L4 and L5: a store with objects, a disk and a map, single calls and a transaction over several.
  func smokeStore() -> Bool {
    let memory: any StableMemory = HeapMemory(pageCount: 256)
    do throws(StorageError) {
      let options = StoreOptions(
        filesystems: [ObjectFilesystem(), DiskFilesystem(), MapFilesystem()], environment: environment)
      let store = try Store.create(on: memory, format: FormatOptions(), options: options)
      _ = try store.createVolume(ObjectVolume.defaultName, kind: .objects)
      _ = try store.createDisk("disk", DiskGeometry(blockCount: 16))
      _ = try store.createMap("map", definition: "byte to byte")
      try store.transaction { (transaction) throws(StorageError) in
        _ = try transaction.objects().createBucket("media")
        try transaction.bucket("media").put("cat.jpg", [1, 2, 3])
        try transaction.disk("disk").write(3, [UInt8](repeating: 5, count: 4096))
        let map = try transaction.map("map", definition: "byte to byte")
        for number in 1..<UInt8(10) { try map.put([number], [number]) }
        _ = try map.delete([4])
        _ = try map.deleteRange(from: [7], limit: 1)
      }
      let id = try store.begin(lease: .minutes(10))
      try store.resume(id) { (transaction) throws(StorageError) in
        try transaction.bucket("media").put("dog.jpg", [UInt8](repeating: 4, count: 200_000))
      }
      try store.prepare(id)
      try store.commit(id)
      try store.close()
      let copy: any StableMemory = HeapMemory()
      let salvaged = try Store.salvage(from: memory, to: copy, options: options, lost: { (_) throws(StorageError) in })
      guard salvaged.isWhole, salvaged.volumeCount == 3 else { return false }
      return try readBack(try Store.open(on: memory, options: options))
    } catch {
      return false
    }
  }

  private func readBack(_ store: Store) throws(StorageError) -> Bool {
    let isRight = try store.read { (transaction) throws(StorageError) -> Bool in
      let bucket = try transaction.bucket("media")
      let listing = try bucket.list(ObjectQuery(prefix: "", limit: 10))
      let dog = try bucket.get("dog.jpg", range: .last(10))
      let block = try transaction.disk("disk").read(3)
      let map = try transaction.map("map", definition: "byte to byte")
      var cursor = try map.cursor(from: [2])
      var sum = 0
      while try cursor.next() { sum += try cursor.withValue { (value) throws(StorageError) in value.byteCount } }
      try map.scan { (key, value) throws(StorageError) in
        sum += key.byteCount + value.byteCount
        return true
      }
      let lent = try map.withValue(for: [9]) { (value) throws(StorageError) in value.byteCount }
      guard sum == 6 + 14, lent == 1, try map.get([4]) == nil, try map.count() == 7 else { return false }
      return listing.objects.count == 2 && dog == [UInt8](repeating: 4, count: 10) && block.first == 5
    }
    let writer = try store.objectWriter(expecting: 3)
    try writer.write([1, 2, 3])
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.bucket("media").put("streamed", writer)
      _ = try transaction.bucket("media").delete("cat.jpg")
    }
    let (copied, removed) = try store.transaction { (transaction) throws(StorageError) in
      try transaction.createBucket("copies")
      let last = try transaction.bucket("media").copyAll(to: transaction.bucket("copies"), budget: 1 << 20)
      return (last == nil, try transaction.bucket("copies").deleteAll(budget: 10))
    }
    guard copied, removed == 2, try store.check(volume: "map", deep: true).findings.isEmpty else { return false }
    try store.acting(as: nil).checkpoint()
    let report = try store.check(deep: true)
    let volumes = try store.volumes()
    return isRight && report.findings.isEmpty && volumes.count == 3
  }
#endif
