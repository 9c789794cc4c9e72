/// How much a run does.
struct Scale {
  var recordCount: Int
  var commitChunkCount: Int
  var getChunkCount: Int
  var objectCount: Int

  /// Bytes of a value of a record.
  static let valueByteCount = 100
  /// Bytes of a value of a durable put.
  static let putByteCount = 1024
  /// Records of a durable transaction.
  static let batchCount = 1000
  /// Commits or transfers of a chunk: so many go to one engine before the next one has its turn.
  static let commitsPerChunk = 20
  static let getsPerChunk = 4000
  static let rangesPerChunk = 100
  static let rangeCount = 100
  let accountCount = 20_000
  let objectByteCount = 8 << 20

  static let quick = Scale(recordCount: 200_000, commitChunkCount: 60, getChunkCount: 30, objectCount: 16)
  static let full = Scale(recordCount: 1_000_000, commitChunkCount: 200, getChunkCount: 60, objectCount: 64)

  /// Rows of a table that are updated, and as many that are deleted.
  var changedRowCount: Int { recordCount / 5 }
  /// Bytes of Cairn's image, which it takes at once.
  var imageByteCount: Int { max(512 << 20, recordCount * 1200) + objectCount * objectByteCount }
  /// Bytes of the file that the limit is measured on.
  var limitByteCount: Int { max(64 << 20, recordCount * 2 * 116 + (64 << 20)) }
  /// Whether the limit's records are read again.
  var limitKeepsRecords = false
}

/// The keys: sixteen bytes, spread evenly, or ascending.
struct Key {
  /// A random number from a number (the finalizer of SplitMix64).
  static func mix(_ number: UInt64) -> UInt64 {
    var z = number &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The bytes of key `index` of a space. In space 0 keys ascend with their index.
  static func bytes(space: UInt64, _ index: Int) -> [UInt8] {
    var key = [UInt8](repeating: 0, count: 16)
    write(space: space, index, to: &key)
    return key
  }

  /// Writes the bytes of a key over those of another.
  static func write(space: UInt64, _ index: Int, to key: inout [UInt8]) {
    let number = UInt64(index)
    let high = space == 0 ? 0 : mix(space &* 1_000_003 &+ number &* 2)
    let low = space == 0 ? number : mix(~number ^ (space << 48))
    for position in 0..<8 {
      key[position] = UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * position))
      key[8 + position] = UInt8(truncatingIfNeeded: low >> UInt64(56 - 8 * position))
    }
  }
}

/// Random numbers that are the same in every run.
struct RandomNumbers {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next(below limit: Int) -> Int {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Int(Key.mix(state).multipliedFullWidth(by: UInt64(limit)).high)
  }
}

/// Bytes that do not compress, of which values are parts.
struct ValuePool {
  let bytes: [UInt8]

  init(byteCount: Int) {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    for index in bytes.indices {
      bytes[index] = UInt8(truncatingIfNeeded: Key.mix(UInt64(index / 8)) >> UInt64(index % 8 * 8))
    }
    self.bytes = bytes
  }

  /// Where value `index` begins.
  func offset(_ index: Int, byteCount: Int) -> Int {
    Int(Key.mix(UInt64(index)) % UInt64((bytes.count - byteCount) / 8)) * 8
  }
}
