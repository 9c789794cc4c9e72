import CairnMemory
import CairnTestSupport
import Testing

@testable import CairnBlocks

/// A closing flush used to write homes of the checkpoint beside the superblock that says that the image was closed. A power
/// failure could keep the superblock and tear a home; and a closed image's homes are not looked at when it is opened.
@Suite("Closing")
struct CloseTests {
  @Test("interrupted anywhere in a checkpoint loses nothing", arguments: 0..<40)
  func interrupted(commits: Int) throws {
    let (memory, device) = try TestDevice.make()
    let blocks = try (0..<3).map { try device.add([UInt8($0)]) }
    for number in 0..<commits { try device.set(blocks[number % 3], [UInt8(number), 9]) }
    let expected = try blocks.map { try device.bytes(of: $0, count: 2) }
    let initial = memory.durableImage
    memory.recordsEvents = true
    try device.close()
    var enumerator = CrashEnumerator.quick
    enumerator.exhaustiveSectorCount = 4
    enumerator.randomMaskCount = 8
    try enumerator.forEachImage(initial: initial, events: memory.events) { image, point, subset in
      for isReadOnly in [true, false] {
        let found = try Self.contents(image, blocks, isReadOnly: isReadOnly)
        #expect(found == expected, "\(commits) commits, event \(point), \(subset)")
      }
    }
  }

  /// A commit whose writer waits for a flush while another thread closes: a closed image without its record would be taken
  /// for damaged.
  @Test("while a commit waits for its flush takes the commit along")
  func pending() throws {
    let (memory, device) = try TestDevice.make()
    let block = try device.add([1])
    let initial = memory.durableImage
    memory.recordsEvents = true
    let (_, sequence) = try device.core.write { transaction throws(StorageError) in try transaction.set(block, [2]) }
    try device.close()
    #expect(sequence == 2 && device.durableSequence == 2)
    try CrashEnumerator.quick.forEachImage(initial: initial, events: memory.events) { image, _, subset in
      let opened = try TestDevice.open(image)
      let found = try opened.bytes(of: block, count: 1)
      #expect(found == [1] || found == [2], "\(subset)")
    }
    #expect(try TestDevice.open(memory.durableImage).bytes(of: block, count: 1) == [2])
  }

  private static func contents(
    _ image: [UInt8], _ blocks: [BlockNumber], isReadOnly: Bool
  ) throws(StorageError) -> [[UInt8]] {
    let device = try TestDevice.open(image, isReadOnly: isReadOnly)
    var contents: [[UInt8]] = []
    for block in blocks { contents.append(try device.bytes(of: block, count: 2)) }
    // The superblock that was in flight may be torn.
    for finding in try device.checkDevice().findings where finding.block.rawValue != 0 && finding.block.rawValue != 63 {
      throw .invalidArgument("block \(finding.block.rawValue): \(finding.text)")
    }
    return contents
  }
}
