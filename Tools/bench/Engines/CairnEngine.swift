internal import CairnBlocks
internal import CairnBytes
internal import CairnMaps
internal import CairnObjects
internal import CairnVolumes

/// Cairn: a store in one file with a map and a bucket, through the public interface.
final class CairnEngine: Engine {
  private let file: CairnFile
  var keepsData = false

  private static let map = "kv"
  private static let bucket = "objects"

  init(folder: String, scale: Scale) { file = CairnFile(folder: folder, scale: scale) }

  func open() throws {
    var options = StoreOptions(filesystems: [ObjectFilesystem(), MapFilesystem()])
    // The one budget, for the blocks alone or divided.
    options.device.dataBudget = keepsData ? EngineKind.cacheByteCount * 3 / 4 : 0
    options.device.memoryBudget = EngineKind.cacheByteCount - options.device.dataBudget
    try file.open(options) { (transaction) throws(StorageError) in
      try transaction.createMap(Self.map)
      try transaction.createVolume(ObjectVolume.defaultName, kind: .objects)
      try transaction.createBucket(Self.bucket)
    }
  }

  func close() throws { try file.close() }

  func transaction(_ body: (any EngineWriter) throws -> Void) throws {
    try file.transaction { try body(CairnMap(map: try $0.map(Self.map))) }
  }

  func read(_ body: (any EngineReader) throws -> Void) throws {
    try file.read { try body(CairnMap(map: try $0.map(Self.map))) }
  }

  func putObject(_ number: Int, _ bytes: RawSpan) throws {
    try file.opened().transaction { (transaction) throws(StorageError) in
      _ = try transaction.bucket(Self.bucket).put(ObjectKey("\(number)"), bytes)
    }
  }

  func getObject(_ number: Int, into buffer: ReadBuffer) throws -> Int {
    try file.opened().read { (transaction) throws(StorageError) -> Int in
      let reader = try transaction.bucket(Self.bucket).open(ObjectKey("\(number)"))
      return try buffer.withMutableSpan { (bytes) throws(StorageError) in try reader.read(at: 0, into: &bytes) }
    }
  }
}

/// The map in a transaction.
private struct CairnMap: EngineWriter, EngineReader {
  let map: ByteMap

  func put(_ key: RawSpan, _ value: RawSpan) throws { try map.put(key, value) }

  func get(_ key: RawSpan, into buffer: ReadBuffer) throws -> Int {
    try map.withValue(for: key) { (value) throws(StorageError) in buffer.fill(value) } ?? -1
  }

  func scan(from key: [UInt8]?, limit: Int, _ touch: inout Touch) throws {
    var left = limit
    try map.scan(from: key) { (key, value) throws(StorageError) in
      touch.add(key, value)
      left -= 1
      return left > 0
    }
  }
}
