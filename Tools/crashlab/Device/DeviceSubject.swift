import CairnBlocks
import CairnTestSupport

/// A block device as what is crashed.
struct DeviceSubject: CrashSubject {
  let shape: DeviceShape
  var isMessageAtomic: Bool { shape.isMessageAtomic }
  var nestingIntervals: [UInt64] { [512, 32] }

  func open(_ memory: SimulatedMemory, life: UInt64) throws -> BlockDevice {
    try BlockDevice.open(
      memory, options: OpenOptions(memoryBudget: shape.memoryBudget), environment: .seeded(life &* 0xC0FFEE))
  }

  func find(_ device: BlockDevice, in legal: [DeviceState]) throws -> Int {
    let report = try device.checkDevice()
    guard report.findings.isEmpty else { throw Mismatch("the check finds \(report.findings.map { $0.text })") }
    var differences: [String] = []
    for (index, state) in legal.enumerated() {
      do {
        guard let difference = try state.difference(in: device, report: report) else { return index }
        differences.append(difference)
      } catch {
        differences.append("\(error)")
      }
    }
    throw Mismatch("none of \(legal.count) legal states: \(differences.joined(separator: "; "))")
  }

  func use(_ device: BlockDevice, on memory: SimulatedMemory, _ state: DeviceState) throws {
    var state = state
    var operations = DeviceOperations(random: SeededGenerator(seed: 77))
    for letters in ["ac", "dx", "fa"] {
      var next = state
      do {
        try device.transaction { transaction throws(StorageError) in
          for letter in letters { try operations.perform(letter, &next, transaction) }
        }
        state = next
      } catch StorageError.full {
        // Nothing changed, then.
      }
    }
    try device.close()
    memory.losePower { _, _ in .old }
    _ = try find(try open(memory, life: 99), in: [state])
  }
}

extension Environment {
  /// A clock that stands still, and random numbers from a seed.
  static func seeded(_ seed: UInt64, now: UInt64 = 1_000_000_000) -> Environment {
    let numbers = SharedGenerator(seed)
    return Environment(now: { now }, random: { numbers.next() })
  }
}

/// A generator that a closure may share.
final class SharedGenerator: @unchecked Sendable {
  private let lock = SpinLock()
  private var generator: SeededGenerator
  init(_ seed: UInt64) { generator = SeededGenerator(seed: seed) }
  func next() -> UInt64 { lock.with { generator.next() } }
}
