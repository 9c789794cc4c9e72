import CairnBytes
import CairnMemory
import CairnTestSupport
import Synchronization
import Testing

/// Reads and writes with arrays.
extension StableMemory {
  func bytes(at offset: UInt64, count: Int) throws(MemoryError) -> [UInt8] {
    var result = [UInt8](repeating: 0xEE, count: count)
    try BulkCopy.withMutableRawSpan(of: &result) { (span) throws(MemoryError) in
      try read(at: offset, into: &span)
    }
    return result
  }

  func put(_ bytes: [UInt8], at offset: UInt64) throws(MemoryError) {
    try BulkCopy.withRawSpan(of: bytes) { (span) throws(MemoryError) in try write(span, at: offset) }
  }
}

/// Bytes that differ from place to place and from seed to seed.
func pattern(_ count: Int, seed: UInt64) -> [UInt8] {
  var generator = SeededGenerator(seed: seed)
  return generator.bytes(count)
}

/// Fails chosen system calls; what it is told may change while the file is open.
final class FaultPlan: Sendable {
  private let faults = Mutex<[FileOperation: [FileFault]]>([:])
  private let counts = Mutex<[FileOperation: Int]>([:])

  /// The next calls of `operation` meet these faults, one each.
  func next(_ operation: FileOperation, _ list: FileFault...) {
    faults.withLock { $0[operation, default: []] += list }
  }

  /// How often `operation` was tried.
  func count(_ operation: FileOperation) -> Int { counts.withLock { $0[operation, default: 0] } }

  var plan: FileFaultPlan {
    { operation in
      self.counts.withLock { $0[operation, default: 0] += 1 }
      return self.faults.withLock { faults in
        guard let first = faults[operation]?.first else { return .pass }
        faults[operation]?.removeFirst()
        return first
      }
    }
  }
}
