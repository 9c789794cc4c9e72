import CairnBytes
import CairnMemory
import Synchronization

/// The state of an open device: cache, journal, dirty blocks and allocator, under one lock.
///
/// Who may do what:
/// - `lock` guards every stored property that is not constant. It is never held during a write or a flush of the memory.
/// - `writer` is held by the one running write transaction. Private versions (header sequence `.max`) belong to it.
/// - One committer at a time is the leader (`isFlushing`): it alone writes the ring, images, homes and superblocks.
/// - Views read the block table and versions without a lock; `slots` keeps from them nothing that they may see.
///
/// Versions of a block form a chain, newest first: at most one private one, then committed ones. A committed version is
/// durable once `slots.durable` has reached its sequence; views see durable ones only.
final class DeviceCore: @unchecked Sendable {
  let memory: any StableMemory
  let layout: DeviceLayout
  let storeID: (low: UInt64, high: UInt64)
  let environment: Environment
  let options: OpenOptions
  let ring: JournalRing
  let lock = Lock()
  /// For those who wait until nobody flushes.
  let flushed = Condition()
  /// For committers: one for the flush that runs, one for the next, in turn. So a flush wakes those that it made durable,
  /// and of the others just one, to lead.
  let committers = (Condition(), Condition())
  let writer = Lock()

  // Cache.
  let table: BlockTable
  let frames: FrameStore
  let dataCache: DataCache
  let slots: ViewSlots
  let writerSlot: Int
  var retiredTables: [UInt] = []
  /// Blocks that a thread reads for its view without holding the lock; others who want one wait for `loaded`.
  var loading: Set<UInt64> = []
  let loaded = Condition()
  var clockHand: UInt64
  /// Blocks with more versions in memory than one.
  var multiVersion: Set<UInt64> = []
  /// The oldest view when those were last looked at.
  var prunedForView: UInt64 = 0
  /// Blocks freed by a durable commit that a view may still see, ascending by sequence.
  var freedForViews: [(sequence: UInt64, block: UInt64)] = []
  /// What durable commits freed and what is to become zeros, by their sequences.
  var erasures: [(sequence: UInt64, extent: Extent)] = []
  /// What of it could have become zeros but for a write that failed.
  var unerased: [Extent] = []
  /// Some of it became zeros since the last flush.
  var hasErased = false
  /// Blocks with changes in the ring that were not applied since the opening.
  var replay: [UInt64: [BlockChangePlace]]
  /// Where the image area has a version of a home that does not verify. Only while opened for reading: otherwise such homes
  /// are mended before anything else.
  var imageOverrides: [UInt64: UInt64] = [:]
  /// Damage of the journal, which hides the commits behind it. Only while opened for reading.
  let journalDamage: Damage?

  // Journal.
  var epoch: UInt64
  /// Where the next commit goes; its epoch is that of the last record.
  var head: JournalPlace
  var places: CommitPlaces
  var pending = PendingGroup()
  /// Memory of earlier commits and groups, for the next ones.
  var spareBuffers = SpareBuffers()
  var isFlushing = false
  /// Which of `committers` the running (or last) flush is for, and the last commit in it.
  var flushTurn = 0
  var flushingSequence: UInt64 = 0
  /// A leader waits for commits that are likely to come at once; nobody else flushes meanwhile.
  var isGathering = false
  /// How many: those of the last flush, and those that came while it ran.
  var gatherGoal: UInt64 = 0
  /// Flushes for which there is no waiting.
  var gatherPause = 0
  var isPoisoned = false
  var isClosed = false
  /// The newest durable superblock, and what the other copy still needs.
  var superblock: Superblock
  var older: (tailSequence: UInt64, oldestPosition: UInt64)
  /// The other copy must be written with the next flush that carries records.
  var owesSecondSuperblock: Bool

  // Checkpoint.
  var dirty = DirtyBlocks()
  var batches: [CheckpointBatch]
  /// Generations of blocks whose home write is flushed but whose table entry is not changed yet.
  var pendingGenerations: [UInt64: UInt8] = [:]
  /// Blocks that were rebuilt from zeros, since the ring holds their creation, and whose homes nobody has looked at: one that
  /// was written before the last opening may be a generation ahead of the table.
  var rebuilt: Set<UInt64> = []
  /// Blocks at home whose table entry is not durable yet. Until it is, nothing tells their home write from one that the
  /// memory lost, so the tail does not pass the changes that would have to be made to the old home again.
  var unproven: [UInt64: UnprovenHome] = [:]
  /// Sectors appended since the last checkpoint step; paces the next one.
  var sectorsSinceStep: UInt64 = 0
  /// Why the last block that could not be imaged could not.
  var checkpointFailure: StorageError?

  // Allocation.
  var allocator: Allocator
  /// What the newest geometry block says, the running transaction's changes excluded.
  var geometry: Geometry
  /// The device's blocks for views, which have no lock: never less than a view may see.
  let blockCountSeen = Atomic<UInt64>(0)
  /// Blocks that are reserved in memory but not set in a bitmap.
  var reservedCount: UInt64 = 0

  init(recovered: Recovered, memory: any StableMemory, options: OpenOptions, environment: Environment)
    throws(StorageError)
  {
    self.memory = memory
    self.options = options
    self.environment = environment
    layout = recovered.superblock.layout
    storeID = recovered.superblock.storeID
    ring = JournalRing(memory: memory, layout: layout, admitsAllocation: options.admitsAllocation)
    slots = ViewSlots()
    writerSlot = try slots.acquireForWriter()
    dataCache = DataCache(byteCount: options.dataBudget)
    frames = FrameStore(blockByteCount: layout.blockByteCount, memoryBudget: options.memoryBudget)
    let memoryBlocks = memory.pageCount * MemoryPage.byteCount / UInt64(layout.blockByteCount)
    try options.admit(BlockTable.firstLevelByteCount(blockCount: memoryBlocks))
    table = BlockTable(blockCount: memoryBlocks)
    clockHand = layout.groupStart
    replay = recovered.replay
    imageOverrides = recovered.imageOverrides
    journalDamage = recovered.journalDamage
    epoch = recovered.epoch
    head = recovered.head
    places = recovered.places
    superblock = recovered.superblock
    older = (recovered.superblock.tail.sequence, recovered.superblock.oldest.position)
    owesSecondSuperblock = !options.isReadOnly && !isPlanted(.newEpochInOneCopy)
    batches = (0..<max(1, layout.imageSlotCount)).map { CheckpointBatch(slot: $0) }
    geometry = Geometry(blockCount: memoryBlocks, freeBlockCount: 0, formattedGroupCount: 0, root: 0)
    allocator = Allocator(
      layout: layout, blockCount: memoryBlocks, recovered: [:], recoveredSequence: head.sequence - 1)
    slots.durable.store(head.sequence - 1, ordering: .sequentiallyConsistent)
    for (block, changes) in recovered.replay where !isPlanted(.cleanAfterRecovery) {
      if let first = changes.first {
        dirty.change(block, sequence: first.sequence, isCreated: first.created != nil)
      }
    }
  }

  deinit {
    table.deallocate(retired: retiredTables)
  }

  /// The last commit that is durable.
  var durableSequence: UInt64 { slots.durable.load(ordering: .sequentiallyConsistent) }

  /// Throws when the device takes no calls any more.
  func requireUsable() throws(StorageError) {
    if isPoisoned { throw .poisoned }
    if isClosed { throw .closed }
  }

  /// Runs `body` under the lock.
  func locked<Result>(_ body: () throws(StorageError) -> Result) throws(StorageError) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body()
  }
}

/// Commits whose records are encoded and wait for the next flush.
struct PendingGroup {
  /// A version that becomes durable with the group.
  struct Change {
    var block: UInt64
    var version: BlockBytes
    /// The one behind it, if it is known to be the last.
    var onlyBase: BlockBytes?
  }

  /// Their sectors, one commit behind the other.
  var bytes: [UInt8] = []
  /// Where the first one goes, sectors.
  var position: UInt64 = 0
  /// The first sequence: the number of the flush that will carry them.
  var firstSequence: UInt64 = 0
  /// The last sequence; 0 when there is none.
  var lastSequence: UInt64 = 0
  /// Blocks that they changed.
  var changed: [Change] = []
  /// Metadata blocks that they freed.
  var freedBlocks: [(sequence: UInt64, block: UInt64)] = []
  /// Everything that they freed.
  var freed: [(sequence: UInt64, extent: Extent)] = []
  /// Of these, what is to become zeros.
  var erased: [(sequence: UInt64, extent: Extent)] = []

  var isEmpty: Bool { lastSequence == 0 }

  /// Adds the blocks that a commit changed.
  mutating func append(_ entries: [ChangeSet.Entry]) {
    changed.reserveCapacity(changed.count + entries.count)
    for entry in entries {
      changed.append(
        Change(block: entry.block, version: entry.version, onlyBase: entry.isBaseLast ? entry.base : nil))
    }
  }
}

/// Arrays that have served, kept for their memory: a commit needs two of its size, and to take and return them each time
/// costs as much as to fill them.
struct SpareBuffers {
  private var buffers: [[UInt8]] = []
  /// Larger ones are given back.
  private static let byteCountMax = 8 << 20

  /// An empty array, with room if there is one to spare.
  mutating func take() -> [UInt8] { buffers.popLast() ?? [] }

  /// Keeps an array's memory. The caller must be the only one who has it.
  mutating func give(_ buffer: consuming [UInt8]) {
    guard buffers.count < 2, buffer.capacity > 0, buffer.capacity <= Self.byteCountMax else { return }
    buffer.removeAll(keepingCapacity: true)
    buffers.append(buffer)
  }
}

/// A home write that the generation table does not vouch for yet.
struct UnprovenHome {
  /// The first change that is in it and not in the home before.
  var firstChange: UInt64
  /// The commit that changes the table entry; nil: none does yet.
  var loggedBy: UInt64?
}

/// Where the commits of the ring begin, so that tail and history can be moved to them.
struct CommitPlaces {
  private var places: [JournalPlace] = []
  private var start = 0

  mutating func append(_ place: JournalPlace) { places.append(place) }

  /// The place of a commit that is still known.
  subscript(_ sequence: UInt64) -> JournalPlace? {
    guard start < places.count, sequence >= places[start].sequence else { return nil }
    let index = start + Int(sequence - places[start].sequence)
    return index < places.count ? places[index] : nil
  }

  /// The first known commit at or behind a position.
  func first(from position: UInt64) -> JournalPlace? {
    var (lower, upper) = (start, places.count)
    while lower < upper {
      let middle = (lower + upper) / 2
      if places[middle].position < position { lower = middle + 1 } else { upper = middle }
    }
    return lower < places.count ? places[lower] : nil
  }

  /// Forgets the commits before a position.
  mutating func drop(before position: UInt64) {
    while start < places.count, places[start].position < position { start += 1 }
    if start > 1024 && start * 2 > places.count {
      places.removeFirst(start)
      start = 0
    }
  }
}

/// Blocks on their way home: their images are made durable first, then they are written home.
struct CheckpointBatch {
  enum State {
    /// Free for the next batch.
    case free
    /// Images are written, not flushed.
    case imaged
    /// Images are durable: homes may be written.
    case durable
    /// Homes are written, not flushed.
    case written
  }

  /// Which slot of the image area it uses.
  let slot: Int
  var state = State.free
  /// Its blocks, ascending, with the sequences and generations of their images.
  var blocks: [UInt64] = []
  var generations: [UInt8] = []
  /// The images, sealed, one behind the other.
  var images: [UInt8] = []

  init(slot: Int) { self.slot = slot }
}
