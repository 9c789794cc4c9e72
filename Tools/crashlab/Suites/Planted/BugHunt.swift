import CairnTestSupport

#if PlantedBugs
  import CairnBlocks
  import CairnVolumes
#endif

/// The bugs that this build can plant: none, unless it was built with the trait `PlantedBugs`.
enum PlantedSwitches {
  static var names: [String] {
    #if PlantedBugs
      PlantedBlockBugs.names + PlantedVolumeBugs.names
    #else
      []
    #endif
  }

  /// Plants a bug in place of any other; nil plants none.
  static func plant(_ name: String?) {
    #if PlantedBugs
      PlantedBlockBugs.plant(name)
      PlantedVolumeBugs.plant(name)
    #endif
  }
}

/// One trace with one seed, which can be run with any bug planted.
struct HuntCase {
  /// A ``RigShape``, or `store`.
  var rig: String
  var trace: String
  var seed: UInt64

  func replay(_ bug: String) -> ReplayString {
    ReplayString("planted").with("bug", bug).with("rig", rig).with("trace", trace).with("seed", seed)
  }

  init(rig: String, trace: String, seed: UInt64) {
    (self.rig, self.trace, self.seed) = (rig, trace, seed)
  }

  init(_ replay: ReplayString) throws {
    rig = try replay.text("rig")
    trace = try replay.text("trace")
    seed = try replay.unsigned("seed")
  }

  /// What one run saw.
  struct Result {
    /// What is wrong; nil when nothing is.
    var violation: String?
    var stateCount = 0
    var hashes: Set<UInt64> = []
  }

  /// Runs the trace with a bug, or with none.
  func run(planting bug: String?) throws -> Result {
    PlantedSwitches.plant(bug)
    defer { PlantedSwitches.plant(nil) }
    var result = Result()
    do {
      if rig == "store" {
        let driver = try StoreRig(seed: seed)
        defer { result.stateCount = driver.stateCount }
        try driver.run(trace)
      } else {
        guard let shape = RigShape.all.first(where: { $0.name == rig }) else { throw LabError("no rig \(rig)") }
        let driver = try DeviceRig(shape, seed: seed)
        defer { (result.stateCount, result.hashes) = (driver.stateCount, driver.hashes) }
        try driver.run(trace)
      }
    } catch let error as LabError { throw error } catch { result.violation = "\(error)" }
    return result
  }
}

/// Looks for one bug: with its targeted traces, then with random ones. Each is run without the bug first, and must show
/// nothing then.
struct BugHunt {
  /// What came of it.
  enum Outcome {
    case caught(HuntCase, String)
    case missed
    /// Something was found without any bug.
    case falseAlarm(HuntCase, String)
  }

  let bug: PlantedBugEntry
  /// Seconds after which the bug counts as missed.
  var limit = 60.0
  private(set) var stateCount = 0
  private(set) var hashes: Set<UInt64> = []

  init(_ bug: PlantedBugEntry) { self.bug = bug }

  /// Runs the hunt; `whenStarting` is told of each run before it begins, and whether the bug is planted in it.
  mutating func run(whenStarting: (HuntCase, Bool) -> Void) throws -> Outcome {
    let start = Clock.seconds
    for number in 0... {
      if Clock.seconds - start > limit { break }
      let one = makeCase(number)
      for isPlanted in [false, true] {
        whenStarting(one, isPlanted)
        let result = try one.run(planting: isPlanted ? bug.name : nil)
        if isPlanted { stateCount += result.stateCount }
        hashes.formUnion(result.hashes)
        guard let violation = result.violation else { continue }
        return isPlanted ? .caught(one, violation) : .falseAlarm(one, violation)
      }
    }
    return .missed
  }

  /// Seeds that each targeted trace gets.
  private static let targetedSeedCount = 400

  private func makeCase(_ number: Int) -> HuntCase {
    if number < bug.traces.count * Self.targetedSeedCount {
      let (rig, trace) = bug.traces[number % bug.traces.count]
      return HuntCase(rig: rig, trace: trace, seed: UInt64(1 + number / bug.traces.count))
    }
    var random = SeededGenerator(seed: UInt64(number))
    if bug.traces.contains(where: { $0.rig == "store" }) {
      return HuntCase(rig: "store", trace: StoreRig.randomTrace(&random), seed: UInt64(number))
    }
    let rig = ["small", "wide", "big"][random.below(3)]
    return HuntCase(rig: rig, trace: DeviceRig.randomTrace(&random), seed: UInt64(number))
  }
}
