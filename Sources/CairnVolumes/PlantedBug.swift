// Bugs that the crash lab plants, as in the device: see the file of this name there.

/// A rule of the store that can be broken on purpose.
enum PlantedBug: UInt8 {
  /// Staged operations are not kept with their transaction.
  case forgetStagedOperations
  /// What a call staged is not taken back: others see it.
  case publishStaged
  /// The store's clock follows the system's, backwards, too.
  case clockRunsBack
  /// Nobody rolls back what has expired.
  case leaveOrphans
  /// A call that was staged before is staged again.
  case repeatCall
  /// What was read is not compared at commit.
  case forgetReads
  /// What a failed call read is not kept.
  case forgetReadsOfFailedCall
  /// How a transaction ended is not kept.
  case forgetOutcome
  /// A prepared transaction holds nothing.
  case holdNothing
  /// Data that a rolled back transaction staged are not given back.
  case leakStagedData
}

#if PlantedBugs
  import Synchronization

  private let planted = Atomic<UInt8>(.max)

  /// Whether a bug is planted now.
  @inline(__always)
  func isPlanted(_ bug: PlantedBug) -> Bool { planted.load(ordering: .relaxed) == bug.rawValue }

  extension PlantedBug: CaseIterable {}

  /// What the lab plants of this layer's.
  package enum PlantedVolumeBugs {
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
