import CPrefetch

/// Room for chunks of data, numbered from 0, in pieces that the system may back by its largest pages: a copy out of small ones
/// spends a tenth of its time on translating addresses.
///
/// Pieces are made when they are first needed and stay until the end. `prepare` runs under a lock; chunks are copied outside of it,
/// and whoever copies has seen to it that nobody writes the same one.
@safe
final class ChunkMemory: @unchecked Sendable {
  private static let chunkByteCount = DeviceLimits.chunkByteCount
  private static let chunksPerPiece = 32
  private static var alignment: Int {
    #if arch(wasm32)
      4096
    #else
      chunksPerPiece * chunkByteCount
    #endif
  }

  private let chunkCount: Int
  private let pieces: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let pieceCount: Int

  /// For so many chunks at most.
  init(chunkCount: Int) {
    self.chunkCount = chunkCount
    pieceCount = (chunkCount + Self.chunksPerPiece - 1) / Self.chunksPerPiece
    unsafe pieces = .allocate(capacity: max(1, pieceCount))
    unsafe pieces.initialize(repeating: nil, count: max(1, pieceCount))
  }

  deinit {
    for index in 0..<pieceCount { unsafe pieces[index]?.deallocate() }
    unsafe pieces.deallocate()
  }

  /// Sees to it that a chunk has memory.
  func prepare(_ chunk: Int) {
    precondition(chunk >= 0 && chunk < chunkCount, "a chunk beyond the end of the cache")
    let index = chunk / Self.chunksPerPiece
    guard unsafe pieces[index] == nil else { return }
    let byteCount = min(Self.chunksPerPiece, chunkCount - index * Self.chunksPerPiece) * Self.chunkByteCount
    let piece = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: Self.alignment)
    unsafe cairn_prefer_huge_pages(piece, byteCount)
    unsafe pieces[index] = piece
  }

  /// Copies a whole chunk to `target`.
  func copy(_ chunk: Int, to target: inout MutableRawSpan) {
    precondition(target.byteCount == Self.chunkByteCount, "a target of another size")
    guard let address = unsafe address(chunk) else { return }
    unsafe target.withUnsafeMutableBytes { to in
      unsafe to.baseAddress?.copyMemory(from: address, byteCount: Self.chunkByteCount)
    }
  }

  /// Makes `bytes` the contents of a whole chunk.
  func store(_ bytes: RawSpan, in chunk: Int) {
    precondition(bytes.byteCount == Self.chunkByteCount, "bytes of another size")
    guard let address = unsafe address(chunk) else { return }
    unsafe bytes.withUnsafeBytes { from in
      guard let start = from.baseAddress else { return }
      unsafe address.copyMemory(from: start, byteCount: Self.chunkByteCount)
    }
  }

  private func address(_ chunk: Int) -> UnsafeMutableRawPointer? {
    precondition(chunk >= 0 && chunk < chunkCount, "a chunk beyond the end of the cache")
    return unsafe pieces[chunk / Self.chunksPerPiece].map {
      unsafe $0 + chunk % Self.chunksPerPiece * Self.chunkByteCount
    }
  }
}
