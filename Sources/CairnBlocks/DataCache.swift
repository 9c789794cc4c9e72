import CairnBytes
import CairnMemory

/// Whole chunks of data that were read and verified, kept in memory: what is read again is neither read nor verified again.
///
/// A chunk is found by its place and its digest together, so nothing ever has to be taken out because it has changed: when
/// other data lie at the place, whoever asks for them has another digest. Chunks are replaced by the clock algorithm. Once
/// the cache is full, one that was read once displaces none: only what is missed a second time, within as many misses as
/// there are chunks. So a run through more data than there is room for costs nothing but a look into a table.
final class DataCache: @unchecked Sendable {
  private struct Chunk {
    var block: UInt64
    var digest: UInt64
    var bytes: [UInt8]
    var wasUsed = false
  }

  private let chunkCountMax: Int
  /// Guards everything below. Bytes are copied outside of it: an array that somebody holds does not change.
  private let lock = Lock()
  private var chunks: [Chunk] = []
  private var places: [UInt64: Int] = [:]
  private var hand = 0
  /// The last blocks that were missed when the cache was full: a ring, and what is in it.
  private var missed: [UInt64] = []
  private var nextMissed = 0
  private var recentlyMissed: Set<UInt64> = []

  /// - Parameter byteCount: Bytes that the chunks may take together; with less than a chunk, the cache keeps nothing.
  init(byteCount: Int) { chunkCountMax = max(0, byteCount) / DeviceLimits.chunkByteCount }

  /// Whether it can hold anything at all.
  var isOn: Bool { chunkCountMax > 0 }

  /// Copies a chunk to `target` if it is here; false when it is not.
  func copy(_ block: UInt64, digest: UInt64, to target: inout MutableRawSpan) -> Bool {
    guard let bytes = find(block, digest), bytes.count == target.byteCount else { return false }
    BulkCopy.withRawSpan(of: bytes) { BulkCopy.copy($0, into: &target) }
    return true
  }

  private func find(_ block: UInt64, _ digest: UInt64) -> [UInt8]? {
    lock.lock()
    defer { lock.unlock() }
    guard let index = places[block], chunks[index].digest == digest else { return nil }
    chunks[index].wasUsed = true
    return chunks[index].bytes
  }

  /// Keeps a chunk that was verified, if it is a whole one and worth it.
  func insert(_ block: UInt64, digest: UInt64, _ bytes: RawSpan) {
    guard bytes.byteCount == DeviceLimits.chunkByteCount, admits(block) else { return }
    let chunk = Chunk(block: block, digest: digest, bytes: BulkCopy.array(bytes))
    lock.lock()
    defer { lock.unlock() }
    if let index = places[block] {
      // Other data lay here before, or another thread was quicker.
      chunks[index] = chunk
    } else if chunks.count < chunkCountMax {
      places[block] = chunks.count
      chunks.append(chunk)
    } else {
      let index = victim()
      places[chunks[index].block] = nil
      chunks[index] = chunk
      places[block] = index
    }
  }

  private func admits(_ block: UInt64) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    if chunks.count < chunkCountMax || places[block] != nil { return true }
    if recentlyMissed.remove(block) != nil { return true }
    if missed.count < chunkCountMax {
      missed.append(block)
    } else {
      recentlyMissed.remove(missed[nextMissed])
      missed[nextMissed] = block
      nextMissed = (nextMissed + 1) % chunkCountMax
    }
    recentlyMissed.insert(block)
    return false
  }

  /// The next chunk that was not used since the hand passed it. The cache is full.
  private func victim() -> Int {
    while true {
      let index = hand
      hand = (hand + 1) % chunks.count
      if !chunks[index].wasUsed { return index }
      chunks[index].wasUsed = false
    }
  }
}
