import CairnBytes
import CairnMemory

// The cache: loading, private versions, dropping what nobody needs.

extension DeviceCore {
  /// The version of a block that a view of commit `sequence` sees, read from the memory when it is not cached.
  /// Under the lock.
  func load(_ block: UInt64, sequence: UInt64) throws(StorageError) -> BlockBytes {
    if let version = table.find(block, sequence: sequence) { return version }
    try requireUsable()
    // Versions in memory that are all too new: at the view's time the block did not exist.
    guard table.newest(block) == nil else { throw .damaged(block, .allocation) }
    guard block >= layout.groupStart, block < geometry.blockCount else { throw .damaged(block, .outOfRange) }
    let frame = try makeFrame(block)
    do {
      try fill(frame, block)
    } catch {
      frames.discard(frame.bytes)
      throw error
    }
    table.set(block, frame.bytes)
    replay[block] = nil
    return frame.bytes
  }

  /// A frame, evicting others when the budget is used up. Under the lock.
  func makeFrame(_ block: UInt64) throws(StorageError) -> MutableBlockBytes {
    try options.admit(frames.stride + (table.isChunkEmpty(block) ? BlockTable.chunkByteCount : 0))
    if frames.isFull {
      if frames.hasRetired { frames.reclaim(before: slots.oldestPin()) }
      if frames.isFull { evict(count: 64) }
    }
    return try frames.allocate(block: block)
  }

  /// When the budget is used up and mostly by blocks that are not home, brings them home. The caller is the writer.
  func relieveCache() throws(StorageError) {
    guard frames.isFull, dirty.owingCount * 2 > frames.frameCountSoft else { return }
    try forceCheckpoint(keepingHistory: true)
  }

  private func fill(_ frame: MutableBlockBytes, _ block: UInt64) throws(StorageError) {
    let changes = replay[block] ?? []
    let blockByteCount = layout.blockByteCount
    let header: BlockHeader
    if isPlanted(.newerHomeBeatsZeros), let first = changes.first, let home = try? readHome(frame, block),
      home.sequence >= first.sequence
    {
      header = home
    } else if let created = changes.first?.created, !isPlanted(.createdFromHome) {
      // The base is zeros: neither the home nor an image is read, whatever lies there belongs to an earlier life.
      frame.fill(0, at: 0, count: blockByteCount)
      header = BlockHeader(
        kind: created.kind, generation: 0, owner: created.owner, level: created.level, storeID: storeID.low,
        number: BlockNumber(block), sequence: 0)
      rebuilt.insert(block)
    } else {
      header = try readHome(frame, block)
      if let last = changes.last, header.sequence >= last.sequence { settleAtHome(block) }
    }
    var sequence = header.sequence
    if !changes.isEmpty { sequence = max(sequence, try apply(changes, to: frame, block)) }
    // Only durable versions go home: a later one shows that acknowledged commits are missing from the journal; where that is
    // known to be damaged, this is what there is to say. A salvage takes what is left of these.
    guard sequence <= durableSequence || options.isSalvaging else {
      throw .damaged(journalDamage ?? Damage(block: BlockNumber(block), reason: .malformed))
    }
    sequence = min(sequence, durableSequence)
    frame.store(header.kind.rawValue, at: BlockHeader.Layout.kind)
    frame.store(header.owner, at: BlockHeader.Layout.owner)
    frame.store(header.level, at: BlockHeader.Layout.level)
    frame.store(storeID.low, at: BlockHeader.Layout.storeID)
    frame.store(block, at: BlockHeader.Layout.number)
    frame.store(sequence, at: BlockHeader.Layout.sequence)
    guard isWellFormed(header.kind, frame.bytes, block) else { throw .damaged(block, .malformed) }
  }

  private func isWellFormed(_ kind: BlockKind, _ bytes: BlockBytes, _ block: UInt64) -> Bool {
    switch kind {
    case .bitmap: layout.isBitmap(block)
    case .generations: layout.isGenerationTable(block)
    case .geometry: block == layout.geometryBlock && Geometry(decoding: bytes).isPlausible(layout: layout)
    default: options.validator(kind, bytes, layout.blockByteCount)
    }
  }

  /// A block whose home holds all that the ring says of it, one generation ahead of the table: it went home before the last
  /// opening, which has flushed. It owes nothing but its table entry. To write it home again would need that entry first, and
  /// in a full ring there is no room for it before the tail has passed the block.
  private func settleAtHome(_ block: UInt64) {
    guard let state = dirty[block], !state.isFreed, !state.isInBatch, pendingGenerations[block] != nil else { return }
    unproven[block] = UnprovenHome(firstChange: state.firstChange)
    dirty.forget(block)
  }

  /// Reads and verifies a block's home, or its image where the home is torn.
  func readHome(_ frame: MutableBlockBytes, _ block: UInt64) throws(StorageError) -> BlockHeader {
    let source = imageOverrides[block] ?? block
    let header = try readBlock(at: source, into: frame, number: block)
    try verifyGeneration(of: block, found: header.generation)
    return header
  }

  func readBlock(
    at place: UInt64, into frame: MutableBlockBytes, number: UInt64
  ) throws(StorageError) -> BlockHeader {
    try frame.withMutableSpan(count: layout.blockByteCount) { span throws(StorageError) in
      do throws(MemoryError) {
        try readMemory(memory, at: place * UInt64(layout.blockByteCount), into: &span)
      } catch { throw StorageError.memory(error) }
      return try BlockHeader(decoding: span.span, number: number, storeID: storeID.low)
    }
  }

  /// A block's generation must be the table's, or one ahead (its table change is not committed yet).
  func verifyGeneration(of block: UInt64, found: UInt8) throws(StorageError) {
    guard !layout.isGenerationTable(block) else { return }
    var committed: UInt8?
    do throws(StorageError) {
      committed = try committedGeneration(of: block)
    } catch {
      // Without its table nobody can tell an old version of a block from the last one; it verifies otherwise.
      guard options.isSalvaging, error.hidesData else { throw error }
    }
    guard let expected = committed else { return }
    if isPlanted(.ignoreGeneration) { return }
    if let pending = pendingGenerations[block] {
      guard found == pending else { throw .damaged(block, .staleBlock(found: found, expected: pending)) }
      return
    }
    switch found &- expected {
    case 0: return
    case 1: pendingGenerations[block] = found
    case 128...: throw .damaged(block, .staleBlock(found: found, expected: expected))
    // An old version of the table: the block itself is the newer one.
    default: if !options.isSalvaging { throw .damaged(block, .staleGenerationTable(found: found, expected: expected)) }
    }
  }

  /// The generation in the table; nil for blocks that have none there.
  func committedGeneration(of block: UInt64) throws(StorageError) -> UInt8? {
    guard let place = layout.generationPlace(of: block),
      let group = layout.group(of: block), group < max(geometry.formattedGroupCount, 1)
    else { return nil }
    let tableBlock = try load(place.block, sequence: .max)
    guard tableBlock.u8(at: BlockHeader.Layout.kind) == BlockKind.generations.rawValue else {
      throw .damaged(place.block, .wrongKind(found: tableBlock.u8(at: 4), expected: BlockKind.generations.rawValue))
    }
    return tableBlock.u8(at: place.offset)
  }

  /// Applies changes from the ring to a base that may be newer than some of them; the sequence of the last.
  private func apply(
    _ changes: [BlockChangePlace], to frame: MutableBlockBytes, _ block: UInt64
  ) throws(StorageError) -> UInt64 {
    var last: UInt64 = 0
    for change in changes {
      last = change.sequence
      let bytes = try ring.read(at: change.position, count: Int(change.byteCount))
      do throws(ByteReader.Failure) {
        var reader = ByteReader(bytes)
        let head = try BlockChangeHead(decoding: &reader)
        guard head.block == block else { throw .malformed }
        try decodeRanges(head, blockByteCount: layout.blockByteCount, from: &reader) { offset, bytes in
          if isPlanted(.replayDifferences) {
            for (index, byte) in bytes.enumerated() {
              frame.store(frame.bytes.u8(at: offset + index) ^ byte, at: offset + index)
            }
          } else {
            frame.copy(bytes.span, to: offset)
          }
        }
      } catch {
        throw .damaged(ring.block(at: change.position), .journal(sequence: change.sequence))
      }
    }
    return last
  }

  /// A private version of a block for the writer: the newest committed one, copied. Under the lock.
  func makePrivate(_ block: UInt64, in changes: inout ChangeSet) throws(StorageError) -> MutableBlockBytes {
    if let newest = table.newest(block), newest.sequence == .max { return newest.mutable }
    // The frame comes first: making room for it must not evict the base.
    let frame = try makeFrame(block)
    let base: BlockBytes
    do {
      base = try load(block, sequence: .max)
    } catch {
      frames.discard(frame.bytes)
      throw error
    }
    frame.copyBlock(base, count: layout.blockByteCount)
    frame.store(UInt64.max, at: BlockHeader.Layout.sequence)
    frame.bytes.setOlder(base)
    table.set(block, frame.bytes)
    // A base that is durable was pruned with the flush that made it so, unless a view kept older ones.
    let isBaseLast = multiVersion.isEmpty && base.sequence <= durableSequence
    changes.append(
      ChangeSet.Entry(block: block, version: frame.bytes, base: base, created: nil, isBaseLast: isBaseLast))
    return frame
  }

  /// The private, zeroed version of a newly allocated block. Under the lock.
  func makeCreated(_ block: UInt64, _ created: CreatedBlock, in changes: inout ChangeSet) throws(StorageError)
    -> MutableBlockBytes
  {
    let frame = try makeFrame(block)
    frame.fill(0, at: 0, count: layout.blockByteCount)
    frame.store(created.kind.rawValue, at: BlockHeader.Layout.kind)
    frame.store(created.owner, at: BlockHeader.Layout.owner)
    frame.store(created.level, at: BlockHeader.Layout.level)
    frame.store(storeID.low, at: BlockHeader.Layout.storeID)
    frame.store(block, at: BlockHeader.Layout.number)
    frame.store(UInt64.max, at: BlockHeader.Layout.sequence)
    frame.forgetNotes()
    table.set(block, frame.bytes)
    changes.append(ChangeSet.Entry(block: block, version: frame.bytes, base: nil, created: created))
    return frame
  }

  /// Drops a private version. Under the lock.
  func dropPrivate(_ entry: ChangeSet.Entry) {
    table.set(entry.block, entry.base)
    frames.retire(entry.version, epoch: slots.advanceEpoch())
  }

  /// Drops the versions behind those that just became durable. Under the lock.
  func prune(_ changed: [PendingGroup.Change], views: [UInt64]) {
    let durable = durableSequence
    let isSeen = !views.isEmpty || isPlanted(.dropVersionsInUse)
    // The usual case, without a look at any of the frames: they are not in the processor's cache any more.
    if !isSeen { frames.retireBases(of: changed) }
    for change in changed where isSeen || change.onlyBase == nil {
      prune(change.block, views: views, durable: durable)
    }
    sealRetired()
  }

  /// Drops the versions of blocks that no view and no commit in flight needs. Under the lock.
  func prune(_ blocks: [UInt64], views: [UInt64]) {
    let durable = durableSequence
    for block in blocks { prune(block, views: views, durable: durable) }
    sealRetired()
  }

  private func sealRetired() {
    // The epoch is advanced behind the last removal: whoever pins at a later one can no longer find any of the frames.
    if frames.hasUnsealed { frames.seal(epoch: slots.advanceEpoch()) }
  }

  private func prune(_ block: UInt64, views: [UInt64], durable: UInt64) {
    guard let newest = table.peek(block) else {
      multiVersion.remove(block)
      return
    }
    var kept = newest
    var sawDurable = newest.sequence <= durable
    var remaining = 1
    var next = newest.older
    while let version = next {
      next = version.older
      // Views that see `version` are those from its sequence up to before the next kept newer one's.
      let isSeen = !isPlanted(.dropVersionsInUse) && views.contains { $0 >= version.sequence && $0 < kept.sequence }
      if !sawDurable || isSeen {
        if version.sequence <= durable { sawDurable = true }
        kept.setOlder(version)
        kept = version
        remaining += 1
      } else {
        kept.setOlder(next)
        frames.retire(version)
      }
    }
    if remaining > 1 {
      multiVersion.insert(block)
    } else if !multiVersion.isEmpty {
      multiVersion.remove(block)
    }
  }

  /// Forgets a freed block with all its versions. Under the lock.
  func forget(_ block: UInt64) {
    var next = table.sweep(block).version
    table.set(block, nil)
    if next != nil {
      let epoch = slots.advanceEpoch()
      while let version = next {
        next = version.older
        frames.retire(version, epoch: epoch)
      }
    }
    multiVersion.remove(block)
    replay[block] = nil
    dirty.forget(block)
    unproven[block] = nil
    rebuilt.remove(block)
  }

  /// Takes clean blocks with one version out of the cache, by the clock algorithm. Under the lock.
  func evict(count: Int) {
    let durable = durableSequence
    let end = geometry.blockCount
    guard end > layout.groupStart else { return }
    var left = count
    // Twice around: once to clear the marks, once to take.
    var steps = 2 * (end - layout.groupStart)
    while left > 0 && steps > 0 {
      if clockHand >= end { clockHand = layout.groupStart }
      if table.isChunkEmpty(clockHand) {
        let next = min((clockHand | 4095) + 1, end)
        steps -= min(steps, next - clockHand)
        clockHand = next
        continue
      }
      let block = clockHand
      clockHand += 1
      steps -= 1
      let (found, wasUsed) = table.sweep(block)
      guard let version = found, !wasUsed, version.older == nil, version.sequence <= durable,
        dirty[block] == nil || isPlanted(.evictDirty)
      else { continue }
      // The epoch is advanced behind the removal: whoever pins at a later one can no longer find the frame.
      table.set(block, nil)
      frames.retire(version, epoch: slots.advanceEpoch())
      left -= 1
    }
    frames.reclaim(before: slots.oldestPin())
  }
}
