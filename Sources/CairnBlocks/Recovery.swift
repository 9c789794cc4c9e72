import CairnBytes
import CairnMemory

/// What recovery found: everything that an open device begins with.
struct Recovered {
  var superblock: Superblock
  var epoch: UInt64
  /// Behind the last commit that is kept.
  var head: JournalPlace
  var places = CommitPlaces()
  /// The changes of the kept commits by block, from the last one that made the block on.
  var replay: [UInt64: [BlockChangePlace]] = [:]
  /// Homes that do not verify, and the block of the image area that stands in for each.
  var imageOverrides: [UInt64: UInt64] = [:]
  /// Bytes of bitmaps that the kept commits changed, by group.
  var bitmapRanges: [UInt64: [Range<Int>]] = [:]
  /// Damage of the journal; only when opened for reading, otherwise it is thrown.
  var journalDamage: Damage?
}

/// From an image, in whatever state a crash left it, to what an open device needs.
///
/// Nothing is searched for: the newest valid superblock gives the tail, its segments the epochs, each record names its
/// predecessor. Ring sectors and homes that verify are never written, changes are only located; they are applied when a
/// block is first used. So a crash in here is recovered the same way.
struct Recovery {
  let memory: any StableMemory
  let environment: Environment
  private let options: OpenOptions
  private var isReadOnly: Bool { options.isReadOnly }
  private var commits: [ChainCommit] = []

  init(memory: any StableMemory, environment: Environment, options: OpenOptions) {
    self.memory = memory
    self.environment = environment
    self.options = options
  }

  mutating func run() throws(StorageError) -> Recovered {
    if !isReadOnly && !isPlanted(.recoverySkipsFirstFlush) {
      // What a killed process left in the page cache becomes durable before anything is concluded from it.
      try onMemory { () throws(MemoryError) in try memory.flush() }
    }
    var superblocks = try SuperblockReader.read(memory)
    if !isReadOnly && superblocks[0].closedHead == nil && !isPlanted(.trustCache) {
      // After a failed flush the page cache shows what the device does not have.
      try onMemory { () throws(MemoryError) in try memory.discardCache() }
      superblocks = try SuperblockReader.read(memory)
    }
    let chosen = superblocks[0]
    if !isReadOnly, let features = superblocks.map({ $0.features.readOnlyCompatible }).first(where: { $0 != 0 }) {
      throw .unsupportedFeatures(features)
    }
    // Before anything is written: what is refused stays as it was.
    if !isReadOnly, case .sectors = memory.guarantees, chosen.layout.imageSlotCount == 0 {
      throw .invalidArgument(
        "the image was made for a memory that tears no message, as a canister's; here it can only be read")
    }
    try requireSize(chosen)

    let ring = JournalRing(memory: memory, layout: chosen.layout, admitsAllocation: options.admitsAllocation)
    var recovered = Recovered(superblock: chosen, epoch: chosen.segments[0].epoch, head: chosen.tail)
    do {
      recovered.head = try follow(chosen, ring)
    } catch {
      guard isReadOnly, case .damaged(let damage) = error, case .journal = damage.reason else { throw error }
      recovered.journalDamage = damage
      recovered.head = commits.last?.end ?? chosen.tail
    }
    for commit in commits {
      recovered.places.append(commit.place)
      for (block, place) in commit.changes {
        // A base of zeros makes everything before it void.
        if place.created != nil { recovered.replay[block] = nil }
        recovered.replay[block, default: []].append(place)
      }
    }
    try findBitmapRanges(&recovered, ring)
    if chosen.closedHead == nil { try mendHomes(&recovered) }
    if !isReadOnly { try beginEpoch(&recovered) }
    return recovered
  }

  private func requireSize(_ superblock: Superblock) throws(StorageError) {
    let layout = superblock.layout
    let found = memory.pageCount * MemoryPage.byteCount
    let least = (max(layout.geometryBlock, DeviceLayout.superblockB) + 1) * UInt64(layout.blockByteCount)
    guard found >= least else { throw .truncated(expectedByteCount: least, foundByteCount: found) }
  }

  // MARK: The chain

  /// Collects the commits that count; where the next one goes.
  private mutating func follow(_ superblock: Superblock, _ ring: JournalRing) throws(StorageError) -> JournalPlace {
    var chain = JournalChain(ring, from: superblock.tail)
    for (index, segment) in superblock.segments.enumerated() {
      if index > 0 { chain.resume(at: segment.position) }
      let end = index + 1 < superblock.segments.count ? superblock.segments[index + 1].sequence : nil
      let epoch = isPlanted(.foldedIsOneLife) ? segment.epoch : superblock.epoch(ofSegment: index)
      while end.map({ chain.place.sequence < $0 }) ?? true {
        if superblock.closedHead?.sequence == chain.place.sequence { break }
        guard let commit = try chain.next(epoch: epoch) else { break }
        try options.admit(commit.changes.count * MemoryLayout<BlockChangePlace>.stride)
        commits.append(commit)
      }
      if let end, chain.place.sequence < end, !isPlanted(.ignoreSegmentEnd) {
        // A life of the journal that another one followed ended with commits that recovery kept: they are not there.
        throw corruption(ring, chain.place)
      }
      // Where the first segment holds several lives, the last of them must be the one that it names.
      if end != nil, let last = commits.last, last.epoch != segment.epoch, !isPlanted(.ignoreSegmentEnd) {
        throw corruption(ring, last.place)
      }
    }
    if let closed = superblock.closedHead {
      guard chain.place.sequence == closed.sequence, chain.place.previousChecksum == closed.previousChecksum,
        chain.place.position == closed.position
      else { throw corruption(ring, chain.place) }
      return closed
    }
    try requireTornTail(superblock, ring, chain.place)
    return try dropUnbacked(superblock, ring) ?? chain.place
  }

  /// Tells a torn tail from damage in the middle: a record of a later flush proves that the commit at `place`, where the
  /// chain ends, was durable.
  private func requireTornTail(
    _ superblock: Superblock, _ ring: JournalRing, _ place: JournalPlace
  ) throws(StorageError) {
    if case .messageAtomic = memory.guarantees { return }
    guard let epoch = superblock.segments.last?.epoch else { return }
    let isProven = try JournalChain.holdsRecord(
      ring, epoch: epoch, ofFlushAfter: place.sequence - (isPlanted(.alarmAtOwnFlush) ? 1 : 0))
    if isProven && !isPlanted(.neverAlarm) { throw corruption(ring, place) }
  }

  private func corruption(_ ring: JournalRing, _ place: JournalPlace) -> StorageError {
    let position = place.position * UInt64(ring.layout.sectorByteCount)
    return .damaged(ring.block(at: position), .journal(sequence: place.sequence))
  }

  /// Drops commits of the last flush whose data outside the journal did not arrive, and all that follow; where the first of
  /// them began.
  private mutating func dropUnbacked(
    _ superblock: Superblock, _ ring: JournalRing
  ) throws(StorageError) -> JournalPlace? {
    guard let newest = commits.last, !isPlanted(.ignoreExternalDigests) else { return nil }
    // What lies under an earlier life of the journal was kept, and so made durable, by the opening that ended it.
    guard newest.epoch == superblock.segments.last?.epoch else { return nil }
    let last = newest.flushNumber
    for index in commits.indices where commits[index].flushNumber == last || isPlanted(.verifyAllExternal) {
      for data in commits[index].record.external {
        if try !matches(data, superblock.layout) {
          // A record of a later flush, if only of an unfinished commit, proves that this one returned: its data are damaged.
          let isProven = try JournalChain.holdsRecord(ring, epoch: newest.epoch, ofFlushAfter: newest.place.sequence)
          if isProven && !isPlanted(.dropDespiteProof) { return nil }
          let place = commits[index].place
          if isPlanted(.dropOnlyUnbacked) {
            commits[index].changes = []
            break
          }
          commits.removeLast(commits.count - index)
          return place
        }
      }
    }
    return nil
  }

  private func matches(_ data: ExternalData, _ layout: DeviceLayout) throws(StorageError) -> Bool {
    let blockByteCount = UInt64(layout.blockByteCount)
    let size = memory.pageCount * MemoryPage.byteCount
    let (offset, overflow) = data.start.multipliedReportingOverflow(by: blockByteCount)
    guard !overflow, offset <= size, data.byteCount <= size - offset else { return false }
    var chunk = [UInt8](repeating: 0, count: DeviceLimits.chunkByteCount)
    var position: UInt64 = 0
    for digest in data.digests {
      let count = Int(min(UInt64(DeviceLimits.chunkByteCount), data.byteCount - position))
      var span = chunk.mutableSpan
      do { try readMemory(memory, at: offset + position, into: &span, count: count) } catch { throw .memory(error) }
      guard digestOf(chunk, count: count) == digest else { return false }
      position += UInt64(count)
    }
    return true
  }

  // MARK: Blocks

  /// What is free in bytes of bitmaps that the ring changes may have been freed by a commit in the ring.
  private func findBitmapRanges(_ recovered: inout Recovered, _ ring: JournalRing) throws(StorageError) {
    if isPlanted(.forgetDeferredFrees) { return }
    let layout = recovered.superblock.layout
    for (block, places) in recovered.replay where layout.isBitmap(block) {
      guard let group = layout.group(of: block) else { continue }
      for place in places {
        var reader = ByteReader(try ring.read(at: place.position, count: Int(place.byteCount)))
        var ranges: [Range<Int>] = []
        do {
          let head = try BlockChangeHead(decoding: &reader)
          try decodeRanges(head, blockByteCount: layout.blockByteCount, from: &reader) { offset, bytes in
            let lower = offset - BlockHeader.byteCount
            ranges.append(lower..<lower + bytes.count)
          }
        } catch { throw .damaged(ring.block(at: place.position), .journal(sequence: place.sequence)) }
        recovered.bitmapRanges[group, default: []] += ranges
      }
    }
  }

  /// Homes that a crash tore while they were written are taken from their images.
  private func mendHomes(_ recovered: inout Recovered) throws(StorageError) {
    let layout = recovered.superblock.layout
    let storeID = recovered.superblock.storeID.low
    let count = layout.imageSlotCount * layout.imageSlotBlockCount
    guard count > 0 else { return }
    let blockByteCount = layout.blockByteCount
    let deviceBlocks = memory.pageCount * MemoryPage.byteCount / UInt64(blockByteCount)
    var newest: [UInt64: (sequence: UInt64, place: UInt64)] = [:]
    var image = [UInt8](repeating: 0, count: blockByteCount)
    for index in 0..<UInt64(count) {
      let place = layout.imageStart + index
      try read(&image, at: place, layout)
      let number = LittleEndian.uint64(image.span, at: BlockHeader.Layout.number)
      guard number >= layout.groupStart, number < deviceBlocks,
        let header = try? BlockHeader(decoding: image.span, number: number, storeID: storeID),
        // Before the tail: left over from a batch that is long at home, and the block may be something else by now.
        header.sequence >= recovered.superblock.tail.sequence || isPlanted(.acceptStaleImages),
        header.sequence >= newest[number]?.sequence ?? 0
      else { continue }
      newest[number] = (header.sequence, place)
    }
    var home = [UInt8](repeating: 0, count: blockByteCount)
    for (number, found) in newest.sorted(by: { $0.key < $1.key }) {
      try read(&home, at: number, layout)
      if !isPlanted(.recoveryRewritesHomes),
        (try? BlockHeader(decoding: home.span, number: number, storeID: storeID)) != nil
      {
        continue
      }
      if isReadOnly || isPlanted(.leaveTornHomes) {
        recovered.imageOverrides[number] = found.place
      } else {
        try read(&image, at: found.place, layout)
        if isPlanted(.resealTornHomes) {
          image = home
          var span = image.mutableSpan
          LittleEndian.store(CRC32.checksum(home.span.extracting(4..<home.count)), in: &span, at: 0)
        }
        try writeMemory(memory, image.span, at: number * UInt64(blockByteCount))
      }
    }
  }

  private func read(_ block: inout [UInt8], at number: UInt64, _ layout: DeviceLayout) throws(StorageError) {
    var span = block.mutableSpan
    do {
      try readMemory(memory, at: number * UInt64(layout.blockByteCount), into: &span)
    } catch { throw .memory(error) }
  }

  // MARK: The new life

  /// Makes a new epoch durable, with the homes that were mended, before anything is served.
  private func beginEpoch(_ recovered: inout Recovered) throws(StorageError) {
    var next = recovered.superblock.next
    next.closedHead = nil
    let head = recovered.head
    let last = next.segments.count - 1
    let epoch = isPlanted(.reuseEpoch) ? next.segments[last].epoch : environment.random()
    if next.segments[last].sequence == head.sequence && !isPlanted(.appendEverySegment) {
      // No commit came under the last life: it is replaced.
      next.segments[last].epoch = epoch
      next.segments[last].position = head.position
    } else {
      if next.segments.count == DeviceLimits.segmentCountMax {
        guard !isPlanted(.neverFoldSegments) else {
          throw .limitExceeded(what: "journal segments", limit: UInt64(DeviceLimits.segmentCountMax))
        }
        next.foldOldestSegments()
      }
      next.segments.append(JournalSegment(epoch: epoch, position: head.position, sequence: head.sequence))
    }
    if isPlanted(.forgetOldSegments) {
      next.segments = [JournalSegment(epoch: epoch, position: next.tail.position, sequence: next.tail.sequence)]
    }
    if isPlanted(.recoveryRewritesRing) {
      let ring = JournalRing(memory: memory, layout: next.layout)
      let sector = UInt64(next.layout.sectorByteCount)
      let records = try ring.read(
        at: next.tail.position * sector, count: Int((head.position - next.tail.position) * sector))
      try ring.write(records.span, at: next.tail.position * sector)
    }
    var bytes = [UInt8](repeating: 0, count: Superblock.byteCount)
    var span = bytes.mutableSpan
    next.encode(into: &span)
    try writeMemory(memory, bytes.span, at: next.address.rawValue * UInt64(next.layout.blockByteCount))
    if !isPlanted(.recoverySkipsLastFlush) { try onMemory { () throws(MemoryError) in try memory.flush() } }
    recovered.superblock = next
    recovered.epoch = epoch
  }
}

/// The digest of the first bytes of a chunk.
private func digestOf(_ chunk: [UInt8], count: Int) -> UInt64 {
  XXHash3.digest(chunk.span.extracting(0..<count))
}
