internal import CairnBytes
internal import Glibc

/// What the device and the memory allow: records are written one behind the other over a zero-filled file and flushed,
/// and read from a sorted array.
final class LimitEngine: Engine {
  private let folder: String
  private let scale: Scale
  private var file: RawFile?
  private var objects: RawFile?
  private var position: UInt64 = 0
  private var pending: [UInt8] = []
  private var array = SortedRecords()

  init(folder: String, scale: Scale) {
    self.folder = folder
    self.scale = scale
  }

  func open() throws {
    if file == nil { file = try RawFile(folder + "/records", zeros: UInt64(scale.limitByteCount)) }
  }

  func close() throws {
    file = nil
    objects = nil
  }

  func transaction(_ body: (any EngineWriter) throws -> Void) throws {
    pending.removeAll(keepingCapacity: true)
    try body(LimitWriter(engine: self))
    guard let file else { throw EngineFailure(description: "the file is not open") }
    if position + UInt64(pending.count) > UInt64(scale.limitByteCount) { position = 0 }
    try BulkCopy.withRawSpan(of: pending) { bytes in try file.write(bytes, at: position) }
    try file.flush()
    position += UInt64(pending.count)
  }

  func read(_ body: (any EngineReader) throws -> Void) throws {
    array.sort()
    try body(LimitReader(array: array))
  }

  func putObject(_ number: Int, _ bytes: RawSpan) throws {
    if objects == nil {
      objects = try RawFile(folder + "/objects", zeros: UInt64(scale.objectCount * scale.objectByteCount))
    }
    try objects?.write(bytes, at: UInt64(number * scale.objectByteCount))
    try objects?.flush()
  }

  func getObject(_ number: Int, into buffer: ReadBuffer) throws -> Int {
    if objects == nil { objects = try RawFile(folder + "/objects", zeros: nil) }
    try objects?.read(into: buffer, count: scale.objectByteCount, at: UInt64(number * scale.objectByteCount))
    return scale.objectByteCount
  }

  /// Keeps a record in memory, to be found again, where a workload reads.
  fileprivate func put(_ key: RawSpan, _ value: RawSpan) {
    BulkCopy.append(key, to: &pending)
    BulkCopy.append(value, to: &pending)
    if scale.limitKeepsRecords { array.append(key, value) }
  }
}

private struct LimitWriter: EngineWriter {
  let engine: LimitEngine

  func put(_ key: RawSpan, _ value: RawSpan) throws { engine.put(key, value) }
  func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int { scaleValueByteCount }
  private var scaleValueByteCount: Int { Scale.valueByteCount }
}

private struct LimitReader: EngineReader {
  let array: SortedRecords

  func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int { array.get(key, into: buffer) }

  func scan(from key: [UInt8]?, limit: Int, _ touch: inout Touch) throws {
    array.scan(from: key, limit: limit, &touch)
  }
}
