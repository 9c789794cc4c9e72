public import CairnBlocks
import CairnBytes
public import CairnObjects
public import CairnVolumes
public import Foundation

// Bridges to Foundation's types: Data for contents, Date for times, URL for files.

extension Bucket {
  /// Puts an object, in the place of the one that may be there.
  @discardableResult
  public func put(
    _ key: ObjectKey, _ data: Data, _ options: ObjectOptions = ObjectOptions(),
    if conditions: ObjectConditions = .none
  ) throws(StorageError) -> ObjectInfo {
    try put(key, data.bytes, options, if: conditions)
  }

  /// The contents of an object, or a part of them.
  public func data(
    for key: ObjectKey, range: ObjectRange? = nil, if conditions: ObjectConditions = .none
  ) throws(StorageError) -> Data {
    Data(try get(key, range: range, if: conditions))
  }

  /// Writes the contents of an object to a file, a piece at a time. It appears under its name, in the place of the one that may be
  /// there, once all of it is there.
  ///
  /// - Throws: `StorageError`, and Foundation's errors of the file.
  @discardableResult
  public func download(
    _ key: ObjectKey, to url: URL, if conditions: ObjectConditions = .none
  ) throws -> ObjectInfo {
    let partial = url.deletingLastPathComponent()
      .appendingPathComponent(".\(url.lastPathComponent).\(UUID().uuidString).partial")
    let reader = try open(key, if: conditions)
    try Data().write(to: partial)
    do {
      let handle = try FileHandle(forWritingTo: partial)
      defer { try? handle.close() }
      var position: UInt64 = 0
      while position < reader.info.size {
        let end = min(position + Self.pieceByteCount, reader.info.size)
        var piece: [UInt8] = []
        try reader.read(position..<end) { (bytes) throws(StorageError) in BulkCopy.append(bytes, to: &piece) }
        try handle.write(contentsOf: piece)
        position = end
      }
      try handle.close()
      if FileManager.default.fileExists(atPath: url.path) { try FileManager.default.removeItem(at: url) }
      try FileManager.default.moveItem(at: partial, to: url)
    } catch {
      try? FileManager.default.removeItem(at: partial)
      throw error
    }
    return reader.info
  }

  fileprivate static let pieceByteCount: UInt64 = 1 << 20
}

extension Store {
  /// Brings the contents of a file to the store, for an object that is put in a transaction later. Not from within a
  /// transaction's closure.
  ///
  /// - Throws: `StorageError`, and Foundation's errors of the file.
  public func objectWriter(contentsOf url: URL) throws -> ObjectWriter {
    let handle = try FileHandle(forReadingFrom: url)
    defer { try? handle.close() }
    let attributes = try FileManager.default.attributesOfItem(atPath: url.path)
    let writer = try objectWriter(expecting: (attributes[.size] as? NSNumber)?.uint64Value)
    while let piece = try handle.read(upToCount: Int(Bucket.pieceByteCount)), !piece.isEmpty {
      try writer.write(piece.bytes)
    }
    return writer
  }
}

extension Date {
  /// A time as the store keeps it: nanoseconds since 1970.
  public init(nanosecondsSince1970 nanoseconds: UInt64) {
    self.init(timeIntervalSince1970: Double(nanoseconds) / 1e9)
  }

  /// The time as the store keeps it: nanoseconds since 1970; what lies before is 0, and what lies too far ahead the last.
  public var nanosecondsSince1970: UInt64 {
    let nanoseconds = timeIntervalSince1970 * 1e9
    return nanoseconds > 0 ? UInt64(exactly: nanoseconds.rounded()) ?? .max : 0
  }
}

extension ObjectInfo {
  /// When it was put.
  public var modifiedDate: Date { Date(nanosecondsSince1970: modified) }
}

extension ObjectSummary {
  /// When it was put.
  public var modifiedDate: Date { Date(nanosecondsSince1970: modified) }
}

extension BucketInfo {
  /// When it was made.
  public var createdDate: Date { Date(nanosecondsSince1970: created) }
}

extension ObjectConditions {
  /// Conditions with dates.
  public init(
    ifMatch: ETagMatch? = nil, ifNoneMatch: ETagMatch? = nil, modifiedSince: Date?, unmodifiedSince: Date? = nil
  ) {
    self.init(
      ifMatch: ifMatch, ifNoneMatch: ifNoneMatch, ifModifiedSince: modifiedSince?.nanosecondsSince1970,
      ifUnmodifiedSince: unmodifiedSince?.nanosecondsSince1970)
  }
}
