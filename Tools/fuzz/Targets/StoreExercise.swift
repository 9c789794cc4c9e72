import CairnBlocks
import CairnDisks
import CairnMemory
import CairnObjects
import CairnVolumes

/// Does to a store everything that a program can do, whatever comes of it. Nothing may stop the program or go on for ever;
/// every answer is a value or an error.
package enum StoreExercise {
  /// Opens an image for reading and then for writing, and does everything.
  package static func run(on image: [UInt8]) {
    look(at: image)
    let memory = ImageMemory(image)
    guard let store = try? Store.open(on: memory, options: SampleImage.options(seed: 3)) else { return }
    use(store)
    try? store.close()
    guard let again = try? Store.open(on: memory, options: SampleImage.options(seed: 4)) else { return }
    _ = try? again.check(deep: true)
    _ = Sight(of: again)
  }

  private static func look(at image: [UInt8]) {
    let memory = ImageMemory(image)
    if let reader = try? JournalReader(memory) {
      while let commit = (try? reader.next()) ?? nil { _ = try? reader.changes(of: commit) }
    }
    guard let store = try? Store.open(on: memory, options: SampleImage.options(seed: 2, isReadOnly: true)) else {
      return
    }
    _ = try? store.check(deep: true)
    _ = Sight(of: store)
    try? store.backup(to: ImageMemory(pageCount: 0))
    _ = try? store.grants()
  }

  /// Changes everything.
  private static func use(_ store: Store) {
    changeObjects(store)
    changeDisk(store)
    endTransactions(store)
    changeCatalog(store)
    try? store.grow(byByteCount: 65536)
    try? store.checkpoint()
    _ = try? store.check()
  }

  private static func inBucket(_ store: Store, _ body: (Bucket) throws(StorageError) -> Void) {
    try? store.transaction { (transaction) throws(StorageError) in try body(try transaction.bucket(Sight.bucket)) }
  }

  private static func changeObjects(_ store: Store) {
    let contents = [UInt8](repeating: 0x5A, count: 3000)
    inBucket(store) { (bucket) throws(StorageError) in try bucket.put("large", contents) }
    inBucket(store) { (bucket) throws(StorageError) in try bucket.put("new", [1, 2, 3]) }
    for number in 0..<12 {
      inBucket(store) { (bucket) throws(StorageError) in
        try bucket.put(ObjectKey("more \(number)"), Array(contents[..<(number * 40)]))
      }
    }
    for key in ["key 0", "small", "last"] as [ObjectKey] {
      inBucket(store) { (bucket) throws(StorageError) in _ = try bucket.delete(key) }
    }
    inBucket(store) { (bucket) throws(StorageError) in
      for object in try bucket.list().objects.prefix(40) { _ = try bucket.delete(object.key) }
    }
    try? store.transaction { (transaction) throws(StorageError) in try transaction.objects().deleteBucket(Sight.bucket)
    }
  }

  private static func changeDisk(_ store: Store) {
    func onDisk(_ body: (Disk) throws(StorageError) -> Void) {
      try? store.transaction { (transaction) throws(StorageError) in try body(try transaction.disk(Sight.disk)) }
    }
    onDisk { (disk) throws(StorageError) in
      guard disk.geometry.blockByteCount == 512 else { return }
      try disk.write(0, [UInt8](repeating: 7, count: 1024))
    }
    onDisk { (disk) throws(StorageError) in try disk.trim(0..<min(2, disk.geometry.blockCount)) }
    onDisk { (disk) throws(StorageError) in try disk.resize(to: 2) }
  }

  private static func endTransactions(_ store: Store) {
    for found in (try? store.transactions()) ?? [] {
      _ = try? store.resume(found.id) { (transaction) throws(StorageError) in
        try transaction.bucket(Sight.bucket).put("resumed", [UInt8](repeating: 1, count: 2000))
      }
      try? store.prepare(found.id)
      try? store.commit(found.id)
      try? store.rollback(found.id)
    }
  }

  private static func changeCatalog(_ store: Store) {
    _ = try? store.createDisk("other", DiskGeometry(blockCount: 8, blockByteCount: 512))
    try? store.renameVolume("other", to: "third")
    try? store.setQuota(of: "third", byteCount: 1 << 16)
    for volume in (try? store.volumes()) ?? [] { try? store.removeVolume(volume.name) }
    for _ in 0..<4 { _ = try? store.step(budget: 16) }
  }
}
