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

  /// What is said of a device at which nobody looked.
  public init() {}
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
          // A bitmap may claim blocks that the device does not have.
          if block.rawValue >= blockCount { return }
          if !isReserved(block) { try body(block) }
        }
      }
    }
  }

  /// The first block behind the end of the device that a bitmap says is in use.
  var firstBeyondEnd: BlockNumber? {
    guard let group = words.indices.last else { return nil }
    let base = layout.bitmapBlock(ofGroup: UInt64(group))
    for (index, word) in words[group].enumerated() {
      var rest = word
      while rest != 0 {
        let block = base + UInt64(index * 64 + rest.trailingZeroBitCount)
        if block >= blockCount { return BlockNumber(block) }
        rest &= rest - 1
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
    for group in 0..<geometry.formattedGroupCount { words.append(try bitmapWords(ofGroup: group)) }
    return AllocationMap(layout: layout, words: words, blockCount: geometry.blockCount)
  }

  /// The bits of a group's bitmap.
  func bitmapWords(ofGroup group: UInt64) throws(StorageError) -> [UInt64] {
    let layout = core.layout
    let number = layout.bitmapBlock(ofGroup: group)
    return try withBlock(BlockNumber(number), kind: .bitmap) { span throws(StorageError) in
      var words: [UInt64] = []
      words.reserveCapacity(layout.payloadByteCount / 8)
      for offset in stride(from: BlockHeader.byteCount, to: span.count, by: 8) {
        words.append(LittleEndian.uint64(span, at: offset))
      }
      return words
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
