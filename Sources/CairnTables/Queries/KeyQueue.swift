import CairnBlocks
import CairnBytes
import CairnVolumes

/// Keys that come out in the order in which they went in. Those that do not fit in a budget wait in temporary extents of the
/// transaction.
struct KeyQueue {
  /// Keys, each behind its length: in memory, or laid aside.
  private enum Piece {
    case bytes([UInt8])
    case aside(TemporaryData)
  }

  private let budget: UInt64
  private let volume: Volume
  private var pieces: [Piece] = []
  /// The piece that comes next.
  private var first = 0
  private var writer = ByteWriter()
  private var reader = ByteReader([])
  private var keptByteCount: UInt64 = 0
  /// How many pieces were laid aside.
  private(set) var asideCount = 0

  /// - Parameter budget: bytes of keys that stay in memory, beside two pieces.
  init(budget: UInt64, _ volume: Volume) {
    self.budget = budget
    self.volume = volume
  }

  /// Bytes of a piece: what is written at once. With a small budget less.
  private var pieceByteCount: Int { Int(clamping: min(256 << 10, max(budget, 1))) }

  /// Adds a key, before the first is taken out. Throws what laying it aside throws.
  mutating func append(_ key: [UInt8]) throws(StorageError) {
    writer.lengthPrefixed(key)
    guard writer.bytes.count >= pieceByteCount else { return }
    let bytes = writer.bytes
    writer = ByteWriter()
    if UInt64(bytes.count) <= budget, keptByteCount <= budget - UInt64(bytes.count) {
      keptByteCount += UInt64(bytes.count)
      pieces.append(.bytes(bytes))
    } else {
      pieces.append(.aside(try TemporaryData(bytes, in: volume)))
      asideCount += 1
    }
  }

  /// Takes the next keys out: at most `count`, and no more behind the one with which they have `byteCount` bytes. None: all are
  /// out.
  mutating func next(count: Int, byteCount: Int) throws(StorageError) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    var taken = 0
    while keys.count < count, taken < byteCount, try goToNextKey() {
      do throws(ByteReader.Failure) {
        let key = try reader.lengthPrefixed(limit: reader.remaining)
        taken += key.count
        keys.append(key)
      } catch {
        // What was laid aside was verified when it was read.
        throw .damaged(Damage(block: BlockNumber(0), reason: .malformed))
      }
    }
    return keys
  }

  /// Goes to the next piece when the one before is used up; false: that was the last.
  private mutating func goToNextKey() throws(StorageError) -> Bool {
    while reader.remaining == 0 {
      guard first < pieces.count else {
        reader = ByteReader(writer.bytes)
        writer = ByteWriter()
        return reader.remaining > 0
      }
      switch pieces[first] {
      case .bytes(let bytes): reader = ByteReader(bytes)
      case .aside(let data): reader = ByteReader(try data.read())
      }
      // Its room is free again.
      pieces[first] = .bytes([])
      first += 1
    }
    return true
  }
}
