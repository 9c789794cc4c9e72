import CairnBytes
import CairnTestSupport
import Testing

@testable import CairnBlocks

@Suite("The cache of data")
struct DataCacheTests {
  private static let chunk = DeviceLimits.chunkByteCount

  private static func bytes(_ value: UInt8) -> [UInt8] { [UInt8](repeating: value, count: chunk) }

  private static func insert(_ cache: DataCache, _ block: UInt64, digest: UInt64, _ bytes: [UInt8]) {
    BulkCopy.withRawSpan(of: bytes) { cache.insert(block, digest: digest, $0) }
  }

  private static func find(_ cache: DataCache, _ block: UInt64, digest: UInt64) -> UInt8? {
    var target = bytes(0xEE)
    let isFound = BulkCopy.withMutableRawSpan(of: &target) { cache.copy(block, digest: digest, to: &$0) }
    return isFound ? target[chunk - 1] : nil
  }

  @Test("gives what has the place and the digest that are asked for, and nothing else")
  func identity() {
    let cache = DataCache(byteCount: 2 * Self.chunk)
    Self.insert(cache, 10, digest: 1, Self.bytes(0xA1))
    Self.insert(cache, 20, digest: 2, Self.bytes(0xA2))
    #expect(Self.find(cache, 10, digest: 1) == 0xA1 && Self.find(cache, 20, digest: 2) == 0xA2)
    #expect(Self.find(cache, 10, digest: 2) == nil && Self.find(cache, 11, digest: 1) == nil)
    // Other data at the same place take the old ones' room.
    Self.insert(cache, 10, digest: 3, Self.bytes(0xA3))
    #expect(Self.find(cache, 10, digest: 1) == nil && Self.find(cache, 10, digest: 3) == 0xA3)
    #expect(Self.find(cache, 20, digest: 2) == 0xA2)
  }

  @Test("is off without room for a chunk, and keeps whole chunks alone")
  func limits() {
    #expect(!DataCache(byteCount: Self.chunk - 1).isOn && !DataCache(byteCount: -1).isOn)
    let cache = DataCache(byteCount: Self.chunk)
    Self.insert(cache, 10, digest: 1, [1, 2, 3])
    var target: [UInt8] = [0, 0, 0]
    #expect(!BulkCopy.withMutableRawSpan(of: &target) { cache.copy(10, digest: 1, to: &$0) })
  }

  @Test("lets no run through more data than it holds displace what is used")
  func runs() {
    let cache = DataCache(byteCount: 4 * Self.chunk)
    for block in 0..<4 as Range<UInt64> { Self.insert(cache, block, digest: 7, Self.bytes(UInt8(block))) }
    for _ in 0..<3 {
      for block in 100..<200 as Range<UInt64> { Self.insert(cache, block, digest: 7, Self.bytes(0xFF)) }
    }
    for block in 0..<4 as Range<UInt64> { #expect(Self.find(cache, block, digest: 7) == UInt8(block)) }
    // What is missed again soon comes in, for one that was used longest ago.
    for _ in 0..<2 { Self.insert(cache, 50, digest: 7, Self.bytes(0x50)) }
    #expect(Self.find(cache, 50, digest: 7) == 0x50)
    #expect((0..<4 as Range<UInt64>).filter { Self.find(cache, $0, digest: 7) != nil }.count == 3)
  }

  /// One reader copies a chunk while others push everything out of the cache: it must never get another chunk's bytes.
  @Test("lends no chunk to two: many threads read and replace")
  func threads() async {
    let cache = DataCache(byteCount: 5 * Self.chunk)
    let wrong = await withTaskGroup(of: Int.self) { group in
      for task in 0..<4 as Range<UInt64> {
        group.addTask {
          var generator = SeededGenerator(seed: task)
          var wrong = 0
          for _ in 0..<400 {
            let block = UInt64(generator.below(9))
            if let value = Self.find(cache, block, digest: block * 3) {
              if value != UInt8(block) { wrong += 1 }
            } else {
              Self.insert(cache, block, digest: block * 3, Self.bytes(UInt8(block)))
            }
          }
          return wrong
        }
      }
      return await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }

  @Test("spares the device the second read, unless it is to be read")
  func device() throws {
    let memory = SimulatedMemory(pageCount: 8)
    try BlockDevice.format(memory, options: TestDevice.smallFormat(), environment: TestDevice.environment())
    var options = OpenOptions(memoryBudget: 1 << 20)
    options.dataBudget = 1 << 20
    let device = try BlockDevice.open(memory, options: options, environment: TestDevice.environment(2))
    let data = try device.addData((0..<150_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
    #expect(try device.bytes(of: data) == data.bytes)
    let start = data.extents[0].start
    let flipped: [UInt8] = [~data.bytes[70_000]]
    try memory.write(flipped, at: Int(start.rawValue) * 512 + 70_000)
    #expect(try device.bytes(of: data) == data.bytes)
    try device.read { view throws(StorageError) in
      var target = [UInt8](repeating: 0, count: 150_000)
      let found = damage { () throws(StorageError) in
        try BulkCopy.withMutableRawSpan(of: &target) { span throws(StorageError) in
          try view.readData(at: start, digests: data.digests[0], into: &span, fromDevice: true)
        }
      }
      #expect(found == Damage(block: BlockNumber(start.rawValue + 128), reason: .digest))
    }
  }
}
