public import CairnBlocks
import CairnBytes
public import CairnVolumes

extension Store {
  /// Begins to write contents outside of any transaction, for an object that is put later.
  ///
  /// The writer takes space from the store as bytes come: like every call that changes the store, that must not be done
  /// from within a transaction's closure. Write first, then put.
  ///
  /// - Parameters:
  ///   - byteCount: how many bytes will come, if it is known; then they get their space at once, in as few runs as there
  ///     are. It need not be right.
  public func objectWriter(expecting byteCount: UInt64? = nil) throws(StorageError) -> ObjectWriter {
    guard !isReadOnly else { throw .readOnly }
    return ObjectWriter(self, expecting: byteCount ?? 0)
  }
}

/// Takes the contents of one object as they come, however long that takes and however many they are.
///
/// They go straight to their place on the device, in space that is reserved for them; nobody is kept from committing
/// meanwhile, and about 1 MiB is in memory. `Bucket.put` makes them an object. Without that, and after a crash, the space
/// is free again. Belongs to one thread, and serves once.
public final class ObjectWriter {
  private let store: Store
  private let expected: UInt64
  private var reservation: ExtentReservation?
  private var writer: RunWriter
  private var digest = TagDigest()
  private var runs: [DataRun] = []
  /// What does not make a run yet.
  private var buffer: [UInt8] = []
  private var isSpent = false

  /// Bytes taken so far.
  public private(set) var byteCount: UInt64 = 0

  /// Blocks are taken in steps that double up to this size, so that writers beside each other do not scatter their data.
  private static let stepByteCountMax: UInt64 = 16 << 20

  init(_ store: Store, expecting byteCount: UInt64) {
    self.store = store
    expected = byteCount
    writer = RunWriter(blockByteCount: store.blockByteCount)
  }

  /// Takes more bytes.
  ///
  /// - Throws: `full`; the writer can not go on then.
  public func write(_ bytes: RawSpan) throws(StorageError) {
    try requireUnspent()
    let runByteCount = ObjectLimits.runByteCount
    var lower = 0
    while lower < bytes.byteCount {
      let left = bytes.byteCount - lower
      if buffer.isEmpty, left >= runByteCount {
        try flush(bytes.extracting(lower..<lower + runByteCount))
        lower += runByteCount
      } else {
        let count = min(runByteCount - buffer.count, left)
        BulkCopy.append(bytes.extracting(lower..<lower + count), to: &buffer)
        lower += count
        if buffer.count == runByteCount { try flushBuffer() }
      }
    }
    byteCount += UInt64(bytes.byteCount)
  }

  /// Takes more bytes.
  public func write(_ bytes: [UInt8]) throws(StorageError) {
    try BulkCopy.withRawSpan(of: bytes) { (span) throws(StorageError) in try write(span) }
  }

  /// Makes everything part of a transaction.
  func place(in trees: ObjectTrees, key: [UInt8], head: ObjectRecord) throws(StorageError) -> PlacedContents {
    try requireUnspent()
    if runs.isEmpty {
      isSpent = true
      return try BulkCopy.withRawSpan(of: buffer) { (bytes) throws(StorageError) in
        try trees.place(bytes, key: key, head: head)
      }
    }
    isSpent = true
    guard let reservation else { throw .transactionFailed }
    // Within the transaction nothing more can be reserved: what is still in memory goes to what is left, and otherwise to
    // space of the transaction itself.
    let blockByteCount = store.blockByteCount
    let needed = DataExtent.blockCount(of: UInt64(buffer.count), blockByteCount: blockByteCount)
    let missing = needed - min(needed, writer.freeBlockCount)
    if missing == 0 { trim(reservation, keeping: needed) }
    var extents = try trees.volume.claim(reservation)
    self.reservation = nil
    if missing > 0 {
      let more = try trees.volume.allocateData(byteCount: missing * UInt64(blockByteCount))
      writer.append(more)
      extents += more
    }
    if !buffer.isEmpty {
      try BulkCopy.withRawSpan(of: buffer) { (bytes) throws(StorageError) in
        let run = try writer.write(bytes) { (span, start) throws(StorageError) in
          try trees.volume.writeData(span, at: start)
        }
        digest.append(bytes, in: run)
        runs.append(run)
      }
    }
    return PlacedContents(size: byteCount, digest: digest.finish(), runs: runs, extents: extents)
  }

  private func requireUnspent() throws(StorageError) {
    guard !isSpent else { throw .invalidArgument("a writer's contents can be put once, and not after an error") }
  }

  private func flushBuffer() throws(StorageError) {
    let full = buffer
    buffer.removeAll(keepingCapacity: true)
    try BulkCopy.withRawSpan(of: full) { (bytes) throws(StorageError) in try flush(bytes) }
  }

  /// Writes a run to its place.
  private func flush(_ bytes: RawSpan) throws(StorageError) {
    // Whatever fails here leaves a gap: the writer must not be put then.
    isSpent = true
    let reservation = try reserve(UInt64(bytes.byteCount))
    let run = try writer.write(bytes) { (span, start) throws(StorageError) in
      try reservation.writeData(span, at: start)
    }
    digest.append(bytes, in: run)
    runs.append(run)
    isSpent = false
  }

  /// Sees to it that there is room for a run.
  private func reserve(_ needed: UInt64) throws(StorageError) -> ExtentReservation {
    let blockByteCount = store.blockByteCount
    let blocks = DataExtent.blockCount(of: needed, blockByteCount: blockByteCount)
    guard let reservation else {
      let first = try store.reserveData(byteCount: max(needed, expected))
      reservation = first
      writer.append(first.extents)
      return first
    }
    if writer.freeBlockCount < blocks {
      let step = DataExtent.blockCount(
        of: max(needed, min(byteCount, Self.stepByteCountMax)), blockByteCount: blockByteCount)
      do {
        writer.append(try reservation.extend(blockCount: step))
      } catch {
        // Close to the end of the space, what is needed may still be there.
        guard case .full = error, step > blocks else { throw error }
        writer.append(try reservation.extend(blockCount: blocks))
      }
    }
    return reservation
  }

  /// Gives back what was reserved beyond the contents, but for the blocks that are still needed.
  private func trim(_ reservation: ExtentReservation, keeping needed: UInt64) {
    var unused = writer.freeBlockCount - needed
    while unused > 0, let last = reservation.extents.last {
      let cut = min(unused, UInt64(last.count))
      reservation.trimLast(to: last.count - UInt32(cut))
      unused -= cut
    }
  }
}
