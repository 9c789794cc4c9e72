// Bugs that the crash lab plants, to prove that its suites would find them.
//
// Each switch breaks one rule of the device. They exist only in builds with the trait `PlantedBugs`, which nothing but the lab
// turns on; in every other build `isPlanted` is the constant false, and neither the switches nor what they guard is compiled.

/// A rule of the device that can be broken on purpose.
enum PlantedBug: UInt8 {
  // MARK: Durability

  /// Nobody flushes after the records.
  case skipCommitFlush
  /// The flush comes before the records that it should carry.
  case flushBeforeRecords
  /// Commits are durable for others before the flush has returned.
  case publishBeforeFlush
  /// Flushes of a checkpoint that carry no records are left out.
  case skipCheckpointFlush
  /// A failed flush is tried again, and its success believed.
  case retryFailedFlush
  /// A failed write into the ring goes unnoticed.
  case ignoreWriteError
  /// After a failure the device goes on.
  case goOnAfterFailure

  // MARK: Rule 1, and the chain

  /// A record of the very flush that did not return proves corruption.
  case alarmAtOwnFlush
  /// Nothing proves corruption.
  case neverAlarm
  /// Commits of one flush are numbered as if they were of several.
  case numberWithinGroup
  /// A flush bears the number of a commit of the flush before it.
  case numberOfFlushBefore
  /// Records follow each other whatever sequence and predecessor they name.
  case ignoreChain
  /// The checksum of a commit's last record is not looked at.
  case ignoreCommitChecksum
  /// The checksum of a record covers its payload only.
  case recordChecksumSkipsHeader
  /// Neither checksum nor digest of the changes is looked at.
  case ignoreChangesChecksum
  /// Changes count without the record that ends their commit.
  case acceptUnfinishedCommit

  // MARK: Rules 2, 3 and 4

  /// A block that changes while it is in a batch goes into a second one.
  case imageAgainInBatch
  /// Images from before the tail count.
  case acceptStaleImages
  /// Images are taken from versions whose commit is not durable.
  case imageUndurable
  /// Homes are written from the newest version in memory.
  case homeFromLiveVersion
  /// Homes are written beside their images, in one flush.
  case homeBesideImage
  /// Homes are written without images.
  case homeWithoutImage

  // MARK: Rule 5

  /// Opening replaces the list of segments by its own.
  case forgetOldSegments
  /// Opening appends a segment even where no commit came under the last one.
  case appendEverySegment
  /// A chain that ends inside a closed segment is taken for its end.
  case ignoreSegmentEnd
  /// A block that was rebuilt from zeros goes home with the generation that may lie there already.
  case trustRebuiltGeneration
  /// A freed block's home may stay ahead of the table.
  case trustFreedGeneration
  /// A full list of segments is an error.
  case neverFoldSegments
  /// The first segment is taken for one life of the journal, though it holds several.
  case foldedIsOneLife
  /// A new life of the journal keeps the salt of the last.
  case reuseEpoch

  // MARK: Rules 6 to 10

  /// Recovery writes the ring's records again.
  case recoveryRewritesRing
  /// Recovery writes images over intact homes.
  case recoveryRewritesHomes
  /// Blocks with changes in the ring count as clean after recovery.
  case cleanAfterRecovery
  /// Recovery gives a torn home the checksum of what it finds.
  case resealTornHomes
  /// The journal holds differences, which replay applies to whatever base it finds.
  case replayDifferences
  /// Recovery believes what it reads before it has flushed.
  case recoverySkipsFirstFlush
  /// Recovery serves before its own writes are durable.
  case recoverySkipsLastFlush
  /// Recovery believes the page cache after a failed flush.
  case trustCache
  /// What was freed before a restart can be used at once.
  case forgetDeferredFrees
  /// Torn homes are left as they are, and their images' slots used again.
  case leaveTornHomes

  // MARK: Rule 11

  /// A new block's base is its home.
  case createdFromHome
  /// A home that says it is newer wins over a base of zeros.
  case newerHomeBeatsZeros

  // MARK: Rules 12 and 13

  /// The second superblock does not get the new epoch.
  case newEpochInOneCopy
  /// Data outside the journal are not verified.
  case ignoreExternalDigests
  /// A commit whose data did not arrive is dropped, later ones are kept.
  case dropOnlyUnbacked
  /// Data of all commits are verified, not those of the last flush.
  case verifyAllExternal
  /// Commits are dropped although a later flush proves that they were durable.
  case dropDespiteProof
  /// Much data are not flushed before the commit that points to them.
  case skipDataFlush

  // MARK: Rules 14 and 15

  /// A block is clean once any image of it is home.
  case cleanAfterHome
  /// A free drops what the block owes before it is durable.
  case settleFreedAtOnce
  /// Freed blocks can be used as soon as the free is durable.
  case reuseFreedAtOnce
  /// The ring's space can be used once the newest tail has passed it.
  case reuseRingAtNewestTail
  /// A forced checkpoint writes one superblock.
  case checkpointOneSuperblock
  /// The tail passes blocks whose homes are written with the same flush.
  case tailBesideHome

  // MARK: Superblocks

  /// There is one copy only.
  case oneSuperblock
  /// Both copies are written with one flush.
  case bothSuperblocksAtOnce
  /// A clean close writes homes beside its superblock.
  case homesBesideClose

  // MARK: Blocks and data

  /// A block's own number is not compared.
  case ignoreBlockNumber
  /// Generations are not compared.
  case ignoreGeneration
  /// Generations of blocks that went home are not logged.
  case forgetGeneration
  /// A block's checksum covers what is behind its header only.
  case blockChecksumSkipsHeader
  /// Data are not verified when they are read.
  case ignoreDataDigest

  // MARK: Space, growth and cache

  /// Changes of bitmaps are not logged.
  case bitmapOutsideJournal
  /// An allocation that fails keeps what it had taken.
  case leakWhenFull
  /// The memory grows behind the commit that says so.
  case growAfterCommit
  /// Freed blocks can be used while a view still sees them.
  case reuseUnderViews
  /// Versions are dropped while a view still needs them.
  case dropVersionsInUse
  /// Blocks that are not home may leave the cache.
  case evictDirty

  // MARK: Erasure

  /// What was freed and must not stay readable stays.
  case keepFreedBytes
  /// It becomes zeros before the commit that frees it is durable.
  case eraseBeforeFlush
}

#if PlantedBugs
  import Synchronization

  private let planted = Atomic<UInt8>(.max)

  /// Whether a bug is planted now.
  @inline(__always)
  func isPlanted(_ bug: PlantedBug) -> Bool { planted.load(ordering: .relaxed) == bug.rawValue }

  extension PlantedBug: CaseIterable {}

  /// What the lab plants of this layer's.
  package enum PlantedBlockBugs {
    /// The names of all bugs.
    package static var names: [String] { PlantedBug.allCases.map { "\($0)" } }

    /// Plants the bug of a name, in place of any other; a name that is none of them takes it out.
    package static func plant(_ name: String?) {
      planted.store(PlantedBug.allCases.first { "\($0)" == name }?.rawValue ?? .max, ordering: .sequentiallyConsistent)
    }
  }
#else
  /// Always false: there are no planted bugs in this build.
  @inline(__always)
  func isPlanted(_ bug: PlantedBug) -> Bool { false }
#endif
