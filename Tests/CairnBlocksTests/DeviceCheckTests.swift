import CairnBytes
import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

/// Images that break one rule of the device each, with every checksum right: the check says which.
@Suite("Check of the device")
struct DeviceCheckTests {
  /// A closed image with some commits in its journal, all blocks at home.
  private static func image() throws -> (bytes: [UInt8], layout: DeviceLayout) {
    let (memory, device) = try TestDevice.make(format: TestDevice.smallFormat(ringBlockCount: 32))
    for number in 0..<UInt8(6) { _ = try device.add([number]) }
    _ = try device.addData([UInt8](repeating: 7, count: 2000))
    try device.checkpoint()
    for number in 0..<UInt8(6) { _ = try device.add([number, 1]) }
    try device.close()
    return (memory.durableImage, device.core.layout)
  }

  private static func findings(_ image: [UInt8]) throws -> [DeviceFinding] {
    try TestDevice.open(image, isReadOnly: true).checkDevice().findings
  }

  @Test("a sound one is clean, and its commits are counted")
  func clean() throws {
    let (image, _) = try Self.image()
    let report = try TestDevice.open(image, isReadOnly: true).checkDevice()
    #expect(report.findings == [])
    #expect(report.journalCommitCount >= 6)
  }

  @Test("superblocks: bytes that are not zero, a wrong place, numbers that are too far apart or the same")
  func superblocks() throws {
    let (image, _) = try Self.image()
    let newest = LittleEndian.uint32(image.span, at: 56) > LittleEndian.uint32(image.span, at: 63 * 512 + 56) ? 0 : 63
    let older = 63 - newest
    let sequence = LittleEndian.uint32(image.span, at: newest * 512 + 56)
    for (block, field, value, text) in [
      (newest, 500, UInt32(1), "not zero"), (newest, 172, 1, "not zero"),
      (older, 56, sequence, "both superblocks have the same number"),
      (older, 56, sequence - 3, "more than one write behind"),
      (older, 56, sequence - 2, "where the other copy belongs"),
    ] {
      let forged = image.forgingSuperblock(at: UInt64(block), field: field, value)
      #expect(try Self.findings(forged).contains { $0.text.contains(text) }, "\(text)")
    }
  }

  @Test(
    "bitmaps: blocks of the device's own that are free, blocks behind the end; the geometry's padding, count and root")
  func allocation() throws {
    let (image, layout) = try Self.image()
    let device = try TestDevice.open(image)
    // Homes count only when the journal has nothing newer.
    try device.checkpoint()
    try device.close()
    let bitmap = layout.bitmapBlock(ofGroup: 0)
    let home = (device.core.memory as? SimulatedMemory)?.durableImage ?? []
    func word(_ block: UInt64, _ offset: Int) -> UInt64 {
      LittleEndian.uint64(home.span, at: Int(block) * 512 + offset)
    }
    let cases: [(UInt64, Int, UInt64, String)] = [
      (bitmap, 32, word(bitmap, 32) & ~2, "of the device's own is marked free"),
      (bitmap, 32 + 472, 1 << 63, "the device ends before it"),
      (bitmap, 32 + 16, word(bitmap, 32 + 16) ^ (1 << 40), "counted as free"),
      (layout.geometryBlock, 40, word(layout.geometryBlock, 40) - 1, "counted as free"),
      (layout.geometryBlock, 80, 1, "not zero"),
      (layout.geometryBlock, 56, layout.groupStart + 400, "the root is block"),
      (bitmap + 3, 4, word(bitmap + 3, 4) ^ 0xFF, "kind"),
    ]
    for (block, offset, value, text) in cases {
      let found = try Self.findings(home.forgingBlock(block, at: offset, value))
      #expect(found.contains { $0.text.contains(text) }, "\(text): \(found)")
    }
  }

  @Test(
    "journal: a record of an acknowledged commit that does not verify, in the part that is needed and behind the tail")
  func journal() throws {
    let (image, layout) = try Self.image()
    var found = 0
    for block in layout.ringStart..<layout.ringStart + layout.ringBlockCount {
      var rotten = image
      // A byte of a record, not of what follows the last one.
      guard rotten[Int(block) * 512 + 36] == 0x52 else { continue }
      rotten[Int(block) * 512 + 8] ^= 1
      do {
        if try Self.findings(rotten).contains(where: { $0.block.rawValue == block }) { found += 1 }
      } catch StorageError.damaged(let damage) {
        // Some home is newer than the last commit that is left: nothing can be shown, and the opening names the record.
        #expect(damage.block.rawValue == block)
        found += 1
      }
    }
    #expect(found >= 6)
  }
}
