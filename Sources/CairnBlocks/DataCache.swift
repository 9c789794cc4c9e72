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
    /// What it holds; nothing as long as `places` does not lead here.
    var block: UInt64
    var digest: UInt64
    var wasUsed = false
    /// Threads that copy its bytes, in or out. Such a chunk is not replaced.
    var userCount = 0
  }

  private let chunkCountMax: Int
  private let memory: ChunkMemory
  /// Guards everything below. Bytes are copied outside of it.
  private let lock = Lock()
  private var chunks: [Chunk] = []
  private var places: [UInt64: Int] = [:]
  private var hand = 0
  /// The last blocks that were missed when the cache was full: a ring, and what is in it.
  private var missed: [UInt64] = []
  private var nextMissed = 0
  private var recentlyMissed: Set<UInt64> = []

  /// - Parameter byteCount: Bytes that the chunks may take together; with less than a chunk, the cache keeps nothing.
  init(byteCount: Int) {
    chunkCountMax = max(0, byteCount) / DeviceLimits.chunkByteCount
    memory = ChunkMemory(chunkCount: chunkCountMax)
  }

  /// Whether it can hold anything at all.
  var isOn: Bool { chunkCountMax > 0 }

  /// Copies a chunk to `target` if it is here; false when it is not.
  func copy(_ block: UInt64, digest: UInt64, to target: inout MutableRawSpan) -> Bool {
    guard target.byteCount == DeviceLimits.chunkByteCount, let index = find(block, digest) else { return false }
    memory.copy(index, to: &target)
    lock.lock()
    chunks[index].userCount -= 1
    lock.unlock()
    return true
  }

  /// A chunk with one more user.
  private func find(_ block: UInt64, _ digest: UInt64) -> Int? {
    lock.lock()
    defer { lock.unlock() }
    guard let index = places[block], chunks[index].digest == digest else { return nil }
    chunks[index].wasUsed = true
    chunks[index].userCount += 1
    return index
  }

  /// Keeps a chunk that was verified, if it is a whole one and worth it.
  func insert(_ block: UInt64, digest: UInt64, _ bytes: RawSpan) {
    guard bytes.byteCount == DeviceLimits.chunkByteCount, let index = take(for: block) else { return }
    memory.store(bytes, in: index)
    lock.lock()
    defer { lock.unlock() }
    chunks[index].userCount -= 1
    // Another thread was quicker: then this one's stays empty until the hand comes by.
    guard places[block] == nil else { return }
    chunks[index].block = block
    chunks[index].digest = digest
    places[block] = index
  }

  /// A chunk that holds nothing, with one user, to be filled; nil when the block is not worth it or all are in use.
  private func take(for block: UInt64) -> Int? {
    lock.lock()
    defer { lock.unlock() }
    let index: Int
    if let old = places[block] {
      // Other data lay here before.
      guard chunks[old].userCount == 0 else { return nil }
      index = old
    } else if chunks.count < chunkCountMax {
      index = chunks.count
      memory.prepare(index)
      chunks.append(Chunk(block: block, digest: 0))
    } else {
      guard admits(block), let victim = victim() else { return nil }
      index = victim
    }
    if places[chunks[index].block] == index { places[chunks[index].block] = nil }
    chunks[index].wasUsed = false
    chunks[index].userCount = 1
    return index
  }

  /// Whether a block may displace another one. Under the lock.
  private func admits(_ block: UInt64) -> Bool {
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

  /// The next chunk that was not used since the hand passed it. The cache is full. Under the lock.
  private func victim() -> Int? {
    for _ in 0..<2 * chunks.count {
      let index = hand
      hand = (hand + 1) % chunks.count
      guard chunks[index].userCount == 0 else { continue }
      if !chunks[index].wasUsed { return index }
      chunks[index].wasUsed = false
    }
    return nil
  }
}
