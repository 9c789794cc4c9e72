import CairnBytes

/// The first bytes of every metadata block.
///
///     offset  size  field
///          0     4  CRC-32 of bytes 4..<block size
///          4     1  kind
///          5     1  generation: raised by one (modulo 256) at each write home
///          6     1  owner: the volume's id; 255 the device itself
///          7     1  level: free for the kind (the height of a tree node)
///          8     8  store id, low half
///         16     8  own block number
///         24     8  sequence of the last commit that changed the block
///
/// The checksum stands in front, so that it is never the end of something with an outer CRC (a CRC over data and their
/// own CRC is a constant). The block's own number catches misdirected reads and writes, the store id blocks of another
/// image on the same disk, the generation lost writes.
package struct BlockHeader: Equatable, Sendable {
  package static let byteCount = 32

  package var kind: BlockKind
  package var generation: UInt8
  package var owner: UInt8
  package var level: UInt8
  package var storeID: UInt64
  package var number: BlockNumber
  package var sequence: UInt64

  package init(
    kind: BlockKind, generation: UInt8, owner: UInt8, level: UInt8, storeID: UInt64, number: BlockNumber,
    sequence: UInt64
  ) {
    self.kind = kind
    self.generation = generation
    self.owner = owner
    self.level = level
    self.storeID = storeID
    self.number = number
    self.sequence = sequence
  }

  /// Offsets, for the code that works on cached blocks in place.
  package enum Layout {
    package static let checksum = 0
    package static let kind = 4
    package static let generation = 5
    package static let owner = 6
    package static let level = 7
    package static let storeID = 8
    package static let number = 16
    package static let sequence = 24
  }
}

extension BlockHeader {
  /// Whether the first bytes of a block say that they are the header of that block of that store; nothing is verified.
  package static func names(_ header: Span<UInt8>, number: UInt64, storeID: UInt64) -> Bool {
    header.count >= byteCount && LittleEndian.uint64(header, at: Layout.number) == number
      && LittleEndian.uint64(header, at: Layout.storeID) == storeID
  }

  /// Reads and verifies the header of a whole block that should be block `number` of store `storeID`.
  package init(decoding block: Span<UInt8>, number: UInt64, storeID: UInt64) throws(StorageError) {
    precondition(block.count >= Self.byteCount, "a block is longer than its header")
    let stored = LittleEndian.uint32(block, at: Layout.checksum)
    let computed = Self.checksum(block)
    guard stored == computed else { throw .damaged(number, .checksum) }

    let foundStore = LittleEndian.uint64(block, at: Layout.storeID)
    guard foundStore == storeID else { throw .damaged(number, .foreignStore) }
    let foundNumber = LittleEndian.uint64(block, at: Layout.number)
    guard foundNumber == number || isPlanted(.ignoreBlockNumber) else {
      throw .damaged(number, .misdirected(found: foundNumber))
    }

    self.init(
      kind: BlockKind(rawValue: block[Layout.kind]),
      generation: block[Layout.generation],
      owner: block[Layout.owner],
      level: block[Layout.level],
      storeID: foundStore,
      number: BlockNumber(foundNumber),
      sequence: LittleEndian.uint64(block, at: Layout.sequence)
    )
  }

  /// Writes the header into a whole block and seals the block with its checksum.
  package func seal(_ block: inout MutableSpan<UInt8>) {
    block[Layout.kind] = kind.rawValue
    block[Layout.generation] = generation
    block[Layout.owner] = owner
    block[Layout.level] = level
    LittleEndian.store(storeID, in: &block, at: Layout.storeID)
    LittleEndian.store(number.rawValue, in: &block, at: Layout.number)
    LittleEndian.store(sequence, in: &block, at: Layout.sequence)
    LittleEndian.store(Self.checksum(block.span), in: &block, at: Layout.checksum)
  }

  private static func checksum(_ block: Span<UInt8>) -> UInt32 {
    let first = isPlanted(.blockChecksumSkipsHeader) ? byteCount : Layout.kind
    return CRC32.checksum(block.extracting(first..<block.count))
  }
}
