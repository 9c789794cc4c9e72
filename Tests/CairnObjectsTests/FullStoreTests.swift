import CairnBlocks
import CairnMemory
import CairnVolumes
import Testing

@testable import CairnObjects

@Suite("A full store of objects")
struct FullStoreTests {
  @Test("takes what it said was free, deletes, and takes again", arguments: [3000, 20_000, 200_000])
  func fill(_ size: Int) throws {
    let fixture = try ObjectFixture(pageCount: 64)
    let free = fixture.store.space.free
    var count = 0
    var failure: StorageError?
    while failure == nil {
      do {
        try fixture.put(ObjectKey("\(count)"), contents(size, seed: UInt8(count & 0x7F)))
        count += 1
      } catch let error as StorageError {
        failure = error
      }
    }
    guard case .full = failure else { return #expect(Bool(false), "\(String(describing: failure))") }
    // What does not fit is at most an object, and the blocks that the trees take.
    let blocks = UInt64((size + 4095) / 4096)
    #expect(UInt64(count) * blocks * 4096 + UInt64(size) + free / 20 + 65536 > free)
    for index in 0..<count {
      #expect(try fixture.get(ObjectKey("\(index)")) == contents(size, seed: UInt8(index & 0x7F)))
    }
    // In one call, and staged: deleting works on a full store.
    #expect(try fixture.change { try $0.bucket("b").delete("0") })
    try fixture.put("again", contents(size))
    let id = try fixture.store.begin()
    try fixture.resume(id) { (objects) throws in
      for index in 1..<8 { #expect(try objects.bucket("b").delete(ObjectKey("\(index)"))) }
    }
    try fixture.store.commit(id)
    try fixture.change { (objects) throws in
      for index in 8..<count { #expect(try objects.bucket("b").delete(ObjectKey("\(index)"))) }
    }
    try fixture.reopen()
    #expect(try fixture.list().objects.map { $0.key } == ["again"])
    // What the transaction left behind (its outcome is kept for a day) may have taken the place of one.
    for index in 0..<count - 2 { try fixture.put(ObjectKey("\(index)"), contents(size)) }
    #expect(try fixture.findings() == [])
  }

  @Test("refuses an object larger than its space, and stays as it was")
  func tooLarge() throws {
    let fixture = try ObjectFixture(pageCount: 64)
    try fixture.put("k", contents(1000))
    let free = fixture.store.space.free
    #expect(throws: StorageError.self) { try fixture.put("k", contents(5_000_000)) }
    #expect(try fixture.get("k") == contents(1000))
    #expect(fixture.store.space.free == free)
    #expect(try fixture.findings() == [])
  }

  /// The blocks by which the device grew were taken for blocks that the volume gave back: it was said to take none.
  @Test("that grows by itself accounts what it takes")
  func growing() throws {
    let options = StoreOptions(filesystems: [ObjectFilesystem()], environment: TestWorld(seed: 1).environment)
    let format = FormatOptions(blockByteCount: 512, journalByteCount: 64 * 512, growsByItself: true)
    let store = try Store.create(on: HeapMemory(pageCount: 2), format: format, options: options)
    try store.createVolume(ObjectVolume.defaultName, kind: .objects)
    try store.transaction { (transaction) throws(StorageError) in
      _ = try transaction.objects().createBucket("b")
      _ = try transaction.bucket("b").put("k", contents(400_000))
    }
    #expect(try store.check(deep: true).findings == [])
    let usage = try store.read { (transaction) throws(StorageError) in try transaction.objects().usage() }
    #expect(usage.blockCount >= 400_000 / 512)
  }
}
