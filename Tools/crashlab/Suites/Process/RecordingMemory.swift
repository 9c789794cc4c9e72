import CairnBytes
import CairnMemory
import CairnTestSupport

/// A real file, with a list of all that was done to it.
final class RecordingMemory: StableMemory, @unchecked Sendable {
  private let file: FileMemory
  private let lock = SpinLock()
  private var isRecording = false
  private var recorded: [SimulatedMemory.Event] = []

  init(_ file: FileMemory) { self.file = file }

  /// What was done since the recording began.
  var events: [SimulatedMemory.Event] { lock.with { recorded } }

  /// Begins to record; the bytes of the file, all of them durable.
  func startRecording() throws(MemoryError) -> [UInt8] {
    try file.flush()
    var bytes = [UInt8](repeating: 0, count: Int(file.byteCount))
    try BulkCopy.withMutableRawSpan(of: &bytes) { (span) throws(MemoryError) in try file.read(at: 0, into: &span) }
    lock.with { isRecording = true }
    return bytes
  }

  func close() { file.close() }

  private func note(_ event: SimulatedMemory.Event) {
    lock.with { if isRecording { recorded.append(event) } }
  }

  var pageCount: UInt64 { file.pageCount }
  var guarantees: MemoryGuarantees { file.guarantees }
  var isWritable: Bool { file.isWritable }

  func grow(by pages: UInt64) throws(MemoryError) {
    try file.grow(by: pages)
    note(.grow(byteCount: Int(pages * MemoryPage.byteCount)))
  }

  func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(MemoryError) {
    try file.read(at: offset, into: &bytes)
  }

  func write(_ bytes: RawSpan, at offset: UInt64) throws(MemoryError) {
    // Noted first: a crash during the write is one of those that are played.
    note(.write(offset: Int(offset), bytes: BulkCopy.array(bytes)))
    try file.write(bytes, at: offset)
  }

  func flush() throws(MemoryError) {
    try file.flush()
    note(.flush)
  }

  func discardCache() throws(MemoryError) { try file.discardCache() }
}
