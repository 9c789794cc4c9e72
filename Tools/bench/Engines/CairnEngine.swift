internal import CairnBlocks
internal import CairnBytes
internal import CairnMaps
internal import CairnMemory
internal import CairnObjects
internal import CairnVolumes
internal import Foundation

/// Cairn: a store in one file with a map and a bucket, through the public interface.
final class CairnEngine: Engine {
  private let path: String
  private let scale: Scale
  private var store: Store?
  var keepsData = false

  private static let map = "kv"
  private static let bucket = "objects"

  init(folder: String, scale: Scale) {
    path = folder + "/store.cairn"
    self.scale = scale
  }

  func open() throws {
    var options = StoreOptions(filesystems: [ObjectFilesystem(), MapFilesystem()])
    // The one budget, for the blocks alone or divided.
    options.device.dataBudget = keepsData ? EngineKind.cacheByteCount * 3 / 4 : 0
    options.device.memoryBudget = EngineKind.cacheByteCount - options.device.dataBudget
    let isNew = !FileManager.default.fileExists(atPath: path)
    let memory =
      isNew
      ? try FileMemory.create(path: path, byteCount: UInt64(scale.imageByteCount), isZeroFilled: true)
      : try FileMemory.open(path: path, mode: .readWrite)
    options.whenClosed = { memory.close() }
    guard isNew else {
      store = try Store.open(on: memory, options: options)
      return
    }
    let format = FormatOptions(journalByteCount: UInt64(EngineKind.journalByteCount))
    let store = try Store.create(on: memory, format: format, options: options)
    try store.transaction { (transaction) throws(StorageError) in
      try transaction.createMap(Self.map)
      try transaction.createVolume(ObjectVolume.defaultName, kind: .objects)
      try transaction.createBucket(Self.bucket)
    }
    self.store = store
  }

  func close() throws {
    try store?.close()
    store = nil
  }

  private func opened() throws -> Store {
    guard let store else { throw EngineFailure(description: "the store is not open") }
    return store
  }

  func transaction(_ body: (any EngineWriter) throws -> Void) throws {
    var failure: (any Error)?
    do {
      try opened().transaction { (transaction) throws(StorageError) in
        let map = CairnMap(map: try transaction.map(Self.map))
        do { try body(map) } catch {
          failure = error
          throw StorageError.transactionFailed
        }
      }
    } catch { throw failure ?? error }
  }

  func read(_ body: (any EngineReader) throws -> Void) throws {
    var failure: (any Error)?
    do {
      try opened().read { (transaction) throws(StorageError) in
        let map = CairnMap(map: try transaction.map(Self.map))
        do { try body(map) } catch {
          failure = error
          throw StorageError.transactionFailed
        }
      }
    } catch { throw failure ?? error }
  }

  func putObject(_ number: Int, _ bytes: RawSpan) throws {
    try opened().transaction { (transaction) throws(StorageError) in
      _ = try transaction.bucket(Self.bucket).put(ObjectKey("\(number)"), bytes)
    }
  }

  func getObject(_ number: Int, into buffer: ReadBuffer) throws -> Int {
    try opened().read { (transaction) throws(StorageError) -> Int in
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
