import CairnBlocks
import CairnMemory
import CairnTestSupport
import Testing

@Suite("Layout of a device")
struct DeviceLayoutTests {
  static let blockByteCounts = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]

  @Test("puts its regions where the picture says")
  func golden() throws {
    // Ring and image area in front of the second superblock; group 0 contains it.
    let small = try #require(
      DeviceLayout(blockByteCount: 512, ringBlockCount: 16, imageSlotCount: 2, imageSlotBlockCount: 4))
    #expect(small.ringStart == 1 && small.imageStart == 17 && small.groupStart == 25)
    #expect(small.geometryBlock == 34 && small.groupBlockCount == 3840 && small.sectorByteCount == 512)
    // The ring does not fit in front, the image area follows it.
    let large = try #require(
      DeviceLayout(blockByteCount: 4096, ringBlockCount: 256, imageSlotCount: 4, imageSlotBlockCount: 32))
    #expect(large.ringStart == 64 && large.imageStart == 320 && large.groupStart == 448)
    // The image area does not fit in front any more.
    let middle = try #require(
      DeviceLayout(blockByteCount: 65536, ringBlockCount: 60, imageSlotCount: 1, imageSlotBlockCount: 4))
    #expect(middle.ringStart == 1 && middle.imageStart == 64 && middle.groupStart == 68)
    #expect(middle.sectorByteCount == 4096 && middle.ringSectorCount == 960)
    // The geometry block steps over the second superblock.
    let stepping = try #require(
      DeviceLayout(blockByteCount: 512, ringBlockCount: 53, imageSlotCount: 0, imageSlotBlockCount: 0))
    #expect(stepping.groupStart == 54 && stepping.geometryBlock == 64)
    // The crash lab found that with ring and images of 54 to 62 blocks the second superblock lay in the generation table of
    // group 0 (or was its bitmap), and formatting made a damaged image. The group begins behind it.
    let colliding = try #require(
      DeviceLayout(blockByteCount: 512, ringBlockCount: 48, imageSlotCount: 2, imageSlotBlockCount: 4))
    #expect(colliding.groupStart == 64 && colliding.geometryBlock == 73)
  }

  @Test("keeps its regions apart, in order and complete", arguments: blockByteCounts)
  func regions(_ blockByteCount: Int) throws {
    var random = SeededGenerator(seed: UInt64(blockByteCount))
    for _ in 0..<400 {
      let ring = UInt64(16 + random.below(random.below(2) == 0 ? 100 : 2000))
      let (slots, slotBlocks) = (random.below(65), random.below(random.below(2) == 0 ? 5 : 200))
      let layout = try #require(
        DeviceLayout(
          blockByteCount: blockByteCount, ringBlockCount: ring, imageSlotCount: slots, imageSlotBlockCount: slotBlocks))
      let image = UInt64(slots * slotBlocks)
      let name = "ring \(ring), \(slots) slots of \(slotBlocks)"
      #expect(layout.ringStart >= 1, Comment(rawValue: name))
      #expect(layout.imageStart >= layout.ringStart + ring && layout.groupStart >= layout.imageStart + image)
      for (start, count) in [(layout.ringStart, ring), (layout.imageStart, image)] {
        #expect(!(start..<start + count).contains(DeviceLayout.superblockB), Comment(rawValue: name))
      }
      // Not a block is given away, but for those in front of the second superblock.
      #expect(layout.groupStart == 1 + ring + image || layout.groupStart >= 64, Comment(rawValue: name))
      #expect(layout.group(of: layout.groupStart - 1) == nil && layout.group(of: layout.geometryBlock) == 0)
      #expect(layout.geometryBlock != DeviceLayout.superblockB)
      let own = layout.groupStart..<layout.groupStart + DeviceLayout.groupOverhead
      #expect(!own.contains(DeviceLayout.superblockB), Comment(rawValue: name))
      #expect(!layout.isBitmap(layout.geometryBlock) && !layout.isGenerationTable(layout.geometryBlock))
    }
  }

  @Test("gives each block of a group a bit and a generation of its own", arguments: blockByteCounts)
  func places(_ blockByteCount: Int) throws {
    let layout = try #require(
      DeviceLayout(blockByteCount: blockByteCount, ringBlockCount: 16, imageSlotCount: 2, imageSlotBlockCount: 4))
    let size = layout.groupBlockCount
    #expect(size == UInt64(blockByteCount - 32) * 8)
    for group in [UInt64(0), 1, 7] {
      let start = layout.bitmapBlock(ofGroup: group)
      #expect(layout.isBitmap(start) && layout.group(of: start) == group && layout.group(of: start + size - 1) == group)
      var tables = 0
      for index in stride(from: UInt64(0), to: size, by: max(1, Int(size / 997))) {
        let place = try #require(layout.generationPlace(of: start + index))
        let payload = UInt64(blockByteCount - 32)
        #expect(place.block == start + 1 + index / payload && place.offset == 32 + Int(index % payload))
        #expect(layout.isGenerationTable(place.block) && !layout.isGenerationTable(start))
        #expect(layout.isGenerationTable(start + index) == (1...8).contains(index))
        tables += layout.isGenerationTable(start + index) ? 1 : 0
      }
      let last = try #require(layout.generationPlace(of: start + size - 1))
      #expect(last.block == start + 8 && last.offset == blockByteCount - 1)
    }
    #expect(layout.generationPlace(of: layout.groupStart - 1) == nil)
  }

  @Test("counts a last group only when it can hold something")
  func groupCount() throws {
    let layout = try #require(
      DeviceLayout(blockByteCount: 512, ringBlockCount: 16, imageSlotCount: 2, imageSlotBlockCount: 4))
    let (start, size) = (layout.groupStart, layout.groupBlockCount)
    #expect(layout.groupCount(blockCount: 0) == 0 && layout.groupCount(blockCount: start + 9) == 0)
    #expect(layout.groupCount(blockCount: start + 10) == 1 && layout.groupCount(blockCount: start + size + 9) == 1)
    #expect(layout.groupCount(blockCount: start + size + 10) == 2)
  }

  @Test("leaves room in the ring for the commit of a forced checkpoint", arguments: blockByteCounts)
  func room(_ blockByteCount: Int) throws {
    for ring in [UInt64(16), 17, 31, 64, 1000] {
      let layout = try #require(
        DeviceLayout(blockByteCount: blockByteCount, ringBlockCount: ring, imageSlotCount: 2, imageSlotBlockCount: 4))
      #expect(layout.commitSectorCountMax + 2 * layout.maintenanceSectorCount + 2 <= layout.ringSectorCount)
    }
  }

  @Test("of a new image fits the memory", arguments: blockByteCounts)
  func newImages(_ blockByteCount: Int) throws {
    var random = SeededGenerator(seed: UInt64(blockByteCount) + 1)
    for _ in 0..<300 {
      let byteCount = MemoryPage.byteCount * (1 + random.next() % (1 << UInt64(random.below(20))))
      let isAtomic = random.below(2) == 0
      do {
        let layout = try DeviceLayout(
          options: FormatOptions(blockByteCount: blockByteCount), byteCount: byteCount,
          guarantees: isAtomic ? .messageAtomic : .sectors(byteCount: 4096))
        let blockCount = byteCount / UInt64(blockByteCount)
        #expect(layout.geometryBlock < blockCount && DeviceLayout.superblockB < blockCount)
        #expect(layout.groupCount(blockCount: blockCount) >= 1)
        #expect((layout.imageSlotCount == 0) == isAtomic)
        #expect(layout.ringBlockCount * 2 <= blockCount || blockCount < 1024)
      } catch {
        guard case .invalidArgument = error else { throw error }
        #expect(byteCount / UInt64(blockByteCount) < 128, "\(byteCount) bytes are enough")
      }
    }
  }

  @Test("rejects sizes that make no sense")
  func hostile() {
    func isRejected(_ block: Int, _ ring: UInt64, _ slots: Int, _ slotBlocks: Int) -> Bool {
      DeviceLayout(
        blockByteCount: block, ringBlockCount: ring, imageSlotCount: slots, imageSlotBlockCount: slotBlocks) == nil
    }
    #expect(!isRejected(4096, 16, 0, 0))
    #expect(isRejected(0, 16, 0, 0) && isRejected(256, 16, 0, 0) && isRejected(131072, 16, 0, 0))
    #expect(isRejected(4097, 16, 0, 0) && isRejected(-4096, 16, 0, 0))
    #expect(isRejected(4096, 15, 0, 0) && isRejected(4096, .max, 0, 0) && isRejected(4096, (1 << 30) / 4096 + 1, 0, 0))
    #expect(isRejected(4096, 16, 65, 1) && isRejected(4096, 16, -1, 1) && isRejected(4096, 16, 1, 4097))
    #expect(isRejected(4096, 16, .max, .max))
  }
}
