import CairnBlocks
import CairnBytes
import CairnMemory
import CairnVolumes
import Testing

@testable import CairnDisks

@Suite("Disks")
struct DiskTests {
  @Test("hold what is written, and zeros elsewhere")
  func roundTrip() throws {
    let fixture = try DiskFixture()
    #expect(try fixture.blocks(0, count: 64) == [UInt8](repeating: 0, count: 64 * 4096))
    try fixture.write(3, blocks(1, seed: 9))
    try fixture.write(10, blocks(20, seed: 5))
    for cleanly in [true, false] {
      try fixture.reopen(cleanly: cleanly)
      #expect(try fixture.blocks(3) == blocks(1, seed: 9))
      #expect(try fixture.blocks(10, count: 20) == blocks(20, seed: 5))
      #expect(try fixture.blocks(4, count: 6) == [UInt8](repeating: 0, count: 6 * 4096))
      var buffer = [UInt8](repeating: 0xFF, count: 3 * 4096)
      try fixture.read { (disk) throws(StorageError) in
        try BulkCopy.withMutableRawSpan(of: &buffer) { (target) throws(StorageError) in
          try disk.read(2, into: &target)
        }
      }
      #expect(buffer == [UInt8](repeating: 0, count: 4096) + blocks(1, seed: 9) + [UInt8](repeating: 0, count: 4096))
      #expect(try fixture.read { (disk) throws(StorageError) in try disk.writtenBlockCount() } == 21)
      #expect(try fixture.findings() == [])
    }
  }

  @Test("give back what is overwritten and trimmed")
  func space() throws {
    let fixture = try DiskFixture()
    let before = fixture.store.space.free
    try fixture.write(0, blocks(40, seed: 1))
    let after = fixture.store.space.free
    #expect(before - after >= 40 * 4096)
    for seed: UInt8 in 2...5 { try fixture.write(0, blocks(40, seed: seed)) }
    #expect(fixture.store.space.free == after)
    try fixture.change { (disk) throws(StorageError) in try disk.trim(10..<30) }
    #expect(try fixture.blocks(9, count: 2)[4096...].allSatisfy { $0 == 0 })
    #expect(try fixture.blocks(30)[1...].allSatisfy { $0 == 5 })
    #expect(fixture.store.space.free == after + 20 * 4096)
    try fixture.change { (disk) throws(StorageError) in try disk.trim(0..<64) }
    #expect(fixture.store.space.free == before)
    #expect(try fixture.findings() == [])
  }

  @Test("refuse what lies outside, and parts of blocks")
  func refusals() throws {
    let fixture = try DiskFixture()
    let outside = StorageError.invalidRange(lower: 63, upper: 65, byteCount: 64)
    #expect(throws: outside) { try fixture.write(63, blocks(2, seed: 1)) }
    #expect(throws: outside) { try fixture.blocks(63, count: 2) }
    #expect(throws: StorageError.self) { try fixture.blocks(.max, count: .max) }
    #expect(throws: outside) { try fixture.change { (disk) throws(StorageError) in try disk.trim(63..<65) } }
    #expect(throws: StorageError.self) { try fixture.write(0, [1, 2, 3]) }
    #expect(throws: StorageError.wrongKind(volume: "d", found: "DISK", expected: "NONE")) {
      try fixture.store.read { (transaction) throws(StorageError) in
        _ = try transaction.volume("d", kind: VolumeKind("NONE"))
      }
    }
    #expect(throws: StorageError.notFound(Subject("volume", "e"))) {
      try fixture.store.read { (transaction) throws(StorageError) in _ = try transaction.disk("e") }
    }
    #expect(throws: StorageError.self) { try fixture.store.createVolume("e", kind: .disk) }
  }

  @Test("change size")
  func resizing() throws {
    let fixture = try DiskFixture()
    try fixture.write(60, blocks(4, seed: 3))
    try fixture.change { (disk) throws(StorageError) in try disk.resize(to: 62) }
    #expect(throws: StorageError.self) { try fixture.blocks(62) }
    #expect(try fixture.blocks(60, count: 2) == Array(blocks(4, seed: 3)[..<8192]))
    try fixture.change { (disk) throws(StorageError) in try disk.resize(to: 1000) }
    try fixture.reopen()
    #expect(try fixture.blocks(62, count: 2).allSatisfy { $0 == 0 })
    try fixture.write(999, blocks(1, seed: 4))
    #expect(try fixture.read { (disk) throws(StorageError) in disk.geometry.blockCount } == 1000)
    #expect(try fixture.findings() == [])
  }

  @Test("of any block size on devices of any", arguments: [512, 4096, 65536], [512, 4096, 65536])
  func blockSizes(_ size: Int, _ device: Int) throws {
    let fixture = try DiskFixture(
      blockCount: 20, blockByteCount: size, pageCount: device == 65536 ? 160 : 64, deviceBlockByteCount: device)
    try fixture.write(2, blocks(5, of: size, seed: 7))
    try fixture.write(3, blocks(1, of: size, seed: 8))
    let expected =
      Array(blocks(5, of: size, seed: 7)[..<size]) + blocks(1, of: size, seed: 8)
      + Array(blocks(5, of: size, seed: 7)[(2 * size)...])
    #expect(try fixture.blocks(2, count: 5) == expected)
    #expect(try fixture.findings() == [])
  }

  @Test("in multi-call transactions")
  func multiCall() throws {
    let fixture = try DiskFixture()
    try fixture.write(0, blocks(2, seed: 1))
    let id = try fixture.store.begin()
    try fixture.resume(id) { (disk) throws(StorageError) in
      try disk.write(1, blocks(3, seed: 2))
      try disk.trim(0..<1)
    }
    try fixture.reopen(cleanly: false)
    #expect(try fixture.blocks(0, count: 2) == blocks(2, seed: 1))
    let seen = try fixture.resume(id) { (disk) throws(StorageError) in
      try disk.resize(to: 80)
      return try disk.read(0, count: 4)
    }
    #expect(seen == [UInt8](repeating: 0, count: 4096) + blocks(3, seed: 2))
    #expect(try fixture.findings() == [])
    try fixture.store.commit(id)
    #expect(try fixture.blocks(0, count: 4) == seen)
    #expect(try fixture.blocks(79) == [UInt8](repeating: 0, count: 4096))
    // A block that was read and changed by another is a conflict that names it.
    let other = try fixture.store.begin()
    try fixture.resume(other) { (disk) throws(StorageError) in
      _ = try disk.read(17)
      try disk.write(18, blocks(1, seed: 3))
    }
    try fixture.write(17, blocks(1, seed: 4))
    #expect(throws: StorageError.conflict(volume: "d", key: Array("17".utf8))) { try fixture.store.commit(other) }
    #expect(try fixture.blocks(18).allSatisfy { $0 == 0 })
    #expect(try fixture.findings() == [])
  }

  @Test("and one that is full")
  func full() throws {
    let fixture = try DiskFixture(blockCount: 10_000)
    var block: UInt64 = 0
    while (try? fixture.write(block, blocks(16, seed: UInt8(block & 0x7F)))) != nil { block += 16 }
    #expect(block > 0)
    #expect(throws: StorageError.self) { try fixture.write(0, blocks(200, seed: 0xFF)) }
    #expect(try fixture.blocks(0) == blocks(1, seed: 0))
    try fixture.change { (disk) throws(StorageError) in try disk.trim(0..<32) }
    try fixture.write(0, blocks(16, seed: 0x77))
    #expect(try fixture.blocks(0, count: 16) == blocks(16, seed: 0x77))
    #expect(try fixture.findings() == [])
  }

  @Test("tell damage")
  func damage() throws {
    let fixture = try DiskFixture()
    try fixture.write(5, blocks(2, seed: 1))
    let start = try fixture.read { (disk) throws(StorageError) in
      try disk.decode(try disk.volume.root.get(DiskKey.block(6)) ?? []).pieces[0].extent.start.rawValue
    }
    try fixture.store.close()
    try BulkCopy.withRawSpan(of: [2]) { (source) throws(MemoryError) in
      try fixture.memory.write(source, at: start * 4096 + 4095)
    }
    try fixture.reopen()
    #expect(throws: StorageError.damaged(Damage(block: BlockNumber(start), reason: .digest))) { try fixture.blocks(6) }
    #expect(try fixture.blocks(5) == Array(blocks(2, seed: 1)[..<4096]))
    #expect(try fixture.findings().count == 1)
    // Entries that make no sense.
    try fixture.change { (disk) throws(StorageError) in
      try disk.volume.perform(operation: { [] }) { () throws(StorageError) in
        try disk.volume.root.put(DiskKey.block(5), [1, 0])
        try disk.volume.root.put(DiskKey.block(64), [1])
        try disk.volume.root.put([7], [1])
      }
    }
    #expect(throws: StorageError.self) { try fixture.blocks(5) }
    #expect(try fixture.findings().filter { $0.contains("makes no sense") || $0.contains("no block") }.count == 3)
  }

  @Test("removed, give everything back")
  func removal() throws {
    let fixture = try DiskFixture()
    let before = fixture.store.space.free
    try fixture.store.createDisk("e", DiskGeometry(blockCount: 1000))
    try fixture.store.transaction { (transaction) throws(StorageError) in
      try transaction.disk("e").write(100, blocks(200, seed: 3))
    }
    try fixture.store.removeVolume("e")
    #expect(fixture.store.space.free == before)
    #expect(try fixture.findings() == [])
  }
}
