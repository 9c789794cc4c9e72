import CairnBytes
import CairnMemory

/// Something wrong that a check found.
public struct DeviceFinding: Equatable, Sendable {
  /// The block concerned.
  public let block: BlockNumber
  /// What is wrong, in a sentence.
  public let text: String
}

/// What a check of the device found, by itself: blocks that filesystems use are checked by them.
public struct DeviceReport: Equatable, Sendable {
  /// What is wrong; empty for a sound device.
  public internal(set) var findings: [DeviceFinding] = []
  /// Blocks that the bitmaps say are handed out to filesystems.
  public internal(set) var allocatedBlockCount: UInt64 = 0
  /// Groups of the device, and how many of them were ever used.
  public internal(set) var groupCount: UInt64 = 0
  /// Groups whose bitmap exists.
  public internal(set) var formattedGroupCount: UInt64 = 0
  /// Commits that the ring still shows.
  public internal(set) var journalCommitCount: UInt64 = 0
}

/// The blocks that bitmaps say are in use, as of a view.
public struct AllocationMap: Sendable {
  private let layout: DeviceLayout
  private let words: [[UInt64]]
  /// Blocks of the device.
  public let blockCount: UInt64

  init(layout: DeviceLayout, words: [[UInt64]], blockCount: UInt64) {
    self.layout = layout
    self.words = words
    self.blockCount = blockCount
  }

  /// Groups that were ever used.
  var groupCount: UInt64 { UInt64(words.count) }

  /// Whether a block belongs to the device itself: superblocks, journal, image area, bitmaps, tables, geometry.
  public func isReserved(_ block: BlockNumber) -> Bool {
    let number = block.rawValue
    guard number >= layout.groupStart, number != DeviceLayout.superblockB, number != layout.geometryBlock else {
      return true
    }
    return (number - layout.groupStart) % layout.groupBlockCount < DeviceLayout.groupOverhead
  }

  /// Whether a block's bit is set.
  public func isAllocated(_ block: BlockNumber) -> Bool {
    guard block.rawValue < blockCount, let group = layout.group(of: block.rawValue), group < UInt64(words.count) else {
      return false
    }
    let index = Int(block.rawValue - layout.bitmapBlock(ofGroup: group))
    return words[Int(group)][index / 64] & (1 << UInt64(index % 64)) != 0
  }

  /// Calls `body` with each block that is handed out to filesystems, ascending.
  public func forEachAllocated<Failure: Error>(
    _ body: (BlockNumber) throws(Failure) -> Void
  ) throws(Failure) {
    for group in words.indices {
      let base = layout.bitmapBlock(ofGroup: UInt64(group))
      for (index, word) in words[group].enumerated() {
        var rest = word
        while rest != 0 {
          let block = BlockNumber(base + UInt64(index * 64 + rest.trailingZeroBitCount))
          rest &= rest - 1
          // Bits behind the end of the device mean nothing, whatever they are.
          if block.rawValue < blockCount && !isReserved(block) { try body(block) }
        }
      }
    }
  }

  /// The first block behind the end of the device whose bit is set; nil in sound bitmaps.
  var strayBlock: BlockNumber? {
    for group in words.indices {
      let base = layout.bitmapBlock(ofGroup: UInt64(group))
      for (index, word) in words[group].enumerated().reversed() where word != 0 {
        let last = BlockNumber(base + UInt64(index * 64 + 63 - word.leadingZeroBitCount))
        if last.rawValue >= blockCount { return last }
        break
      }
    }
    return nil
  }
}

extension BlockView {
  /// The bitmaps as of this view. Memory: one bit a block of the groups that were used.
  public func allocationMap() throws(StorageError) -> AllocationMap {
    let layout = core.layout
    let geometry = try pinned { () throws(StorageError) in
      Geometry(decoding: try block(BlockNumber(layout.geometryBlock)))
    }
    var words: [[UInt64]] = []
    try requireAllocation(byteCount: geometry.formattedGroupCount * layout.groupBlockCount / 8)
    for group in 0..<geometry.formattedGroupCount {
      let number = layout.bitmapBlock(ofGroup: group)
      words.append(
        try withBlock(BlockNumber(number), kind: .bitmap) { span throws(StorageError) in
          var group: [UInt64] = []
          group.reserveCapacity(layout.payloadByteCount / 8)
          for offset in stride(from: BlockHeader.byteCount, to: span.count, by: 8) {
            group.append(LittleEndian.uint64(span, at: offset))
          }
          return group
        })
    }
    return AllocationMap(layout: layout, words: words, blockCount: geometry.blockCount)
  }
}

extension BlockDevice {
  /// Checks what the device keeps for itself: superblocks, journal, geometry, bitmaps, generation tables. Writes nothing.
  ///
  /// Damage becomes a finding; only I/O errors are thrown. Time: proportional to the ring and the bitmaps.
  public func checkDevice() throws(StorageError) -> DeviceReport {
    var report = DeviceReport()
    if let journalDamage {
      report.findings.append(
        DeviceFinding(block: journalDamage.block, text: "the journal is damaged: \(journalDamage.reason.description)"))
    }
    try checkSuperblocks(&report)
    let snapshot = try snapshot()
    defer { snapshot.end() }
    do {
      try checkAllocation(snapshot.view, &report)
    } catch {
      guard case .damaged(let damage) = error else { throw error }
      report.findings.append(DeviceFinding(block: damage.block, text: damage.reason.description))
    }
    return report
  }

  private func checkSuperblocks(_ report: inout DeviceReport) throws(StorageError) {
    let copies = try SuperblockReader.read(core.memory)
    if copies.count < 2 {
      let missing =
        copies.first?.address.rawValue == DeviceLayout.superblockA
        ? DeviceLayout.superblockB : DeviceLayout.superblockA
      report.findings.append(
        DeviceFinding(block: BlockNumber(missing), text: "this copy of the superblock does not verify"))
    } else if copies[0].sequence - copies[1].sequence > 1 {
      report.findings.append(
        DeviceFinding(block: copies[1].address, text: "the older superblock is more than one write behind"))
    }
  }

  private func checkAllocation(_ view: BlockView, _ report: inout DeviceReport) throws(StorageError) {
    let layout = core.layout
    let geometry = try view.pinned { () throws(StorageError) in
      Geometry(decoding: try view.block(BlockNumber(layout.geometryBlock)))
    }
    let map = try view.allocationMap()
    map.forEachAllocated { _ in report.allocatedBlockCount += 1 }
    if let stray = map.strayBlock {
      report.findings.append(
        DeviceFinding(block: stray, text: "the bitmap marks a block behind the end of the device"))
    }
    report.groupCount = layout.groupCount(blockCount: geometry.blockCount)
    report.formattedGroupCount = geometry.formattedGroupCount
    let usable = DeviceCore.usableBlockCount(layout: layout, blockCount: geometry.blockCount) - 1
    if geometry.freeBlockCount + report.allocatedBlockCount != usable {
      report.findings.append(
        DeviceFinding(
          block: BlockNumber(layout.geometryBlock),
          text: "\(geometry.freeBlockCount) blocks are counted as free, the bitmaps say "
            + "\(usable - min(usable, report.allocatedBlockCount))"))
    }
    for group in 0..<geometry.formattedGroupCount {
      let start = layout.bitmapBlock(ofGroup: group)
      for index in 0..<DeviceLayout.groupOverhead where !map.isAllocated(BlockNumber(start + index)) {
        report.findings.append(
          DeviceFinding(block: BlockNumber(start + index), text: "a block of the group's own is marked free"))
      }
      for index in 1...DeviceLayout.generationBlockCount {
        try view.withBlock(BlockNumber(start + index), kind: .generations) { _ in }
      }
    }
  }

}

extension Damage.Reason: CustomStringConvertible {
  /// How the damage showed, in a clause.
  public var description: String {
    switch self {
    case .superblocks: "no superblock verifies"
    case .checksum: "the block's checksum does not match"
    case .misdirected(let found): "the block says that it is block \(found)"
    case .foreignStore: "the block belongs to another store"
    case .staleBlock(let found, let expected):
      "an old version (generation \(found), expected \(expected)): a write was lost"
    case .staleGenerationTable(let found, let expected):
      "the generation table is older (\(expected)) than the block (\(found)): a write of the table was lost"
    case .wrongKind(let found, let expected): "the block is of kind \(found), expected \(expected)"
    case .malformed: "the contents break the rules of their structure"
    case .outOfRange: "a pointer leaves the device"
    case .digest: "the data do not match their digest"
    case .journal(let sequence): "the record of commit \(sequence) does not verify, and later ones are there"
    case .allocation: "the block is free, or used twice"
    }
  }
}
