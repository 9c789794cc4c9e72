public import CairnBlocks
import CairnBytes
import CairnVolumes

/// Reads the contents of one object, as they were when it was opened. It lives as long as its transaction; to read for
/// long, open it in a `StoreSnapshot`.
public struct ObjectReader {
  /// What is known of the object.
  public let info: ObjectInfo
  let trees: ObjectTrees
  let record: ObjectRecord

  /// Reads from an offset on as many bytes as `bytes` takes, fewer at the end; how many. Every byte is verified.
  public func read(at offset: UInt64, into bytes: inout MutableRawSpan) throws(StorageError) -> Int {
    guard offset < info.size else { return 0 }
    let count = Int(min(UInt64(bytes.byteCount), info.size - offset))
    guard count > 0 else { return 0 }
    var part = bytes._mutatingExtracting(0..<count)
    try trees.read(record, offset..<offset + UInt64(count), into: &part)
    return count
  }

  /// Lends a range to `body` in pieces of at most 1 MiB, in order. Every byte is verified before it is lent.
  public func read(
    _ range: Range<UInt64>, _ body: (RawSpan) throws(StorageError) -> Void
  ) throws(StorageError) {
    guard range.upperBound <= info.size else {
      throw .invalidRange(lower: range.lowerBound, upper: range.upperBound, byteCount: info.size)
    }
    let step = UInt64(ObjectLimits.runByteCount)
    try trees.volume.requireAllocation(byteCount: min(step, UInt64(range.count)), isStored: true)
    var buffer = [UInt8](repeating: 0, count: Int(min(step, UInt64(range.count))))
    var position = range.lowerBound
    while position < range.upperBound {
      // Up to the end of a run, so that no chunk is read and verified twice.
      let upper = min((position / step + 1) * step, range.upperBound)
      let count = Int(upper - position)
      try BulkCopy.withMutableRawSpan(of: &buffer) { (bytes) throws(StorageError) in
        var part = bytes._mutatingExtracting(0..<count)
        try trees.read(record, position..<upper, into: &part)
      }
      try BulkCopy.withRawSpan(of: buffer) { (bytes) throws(StorageError) in try body(bytes.extracting(0..<count)) }
      position = upper
    }
  }

  /// The bytes of a range in memory.
  func bytes(_ range: Range<UInt64>) throws(StorageError) -> [UInt8] {
    try trees.volume.requireAllocation(byteCount: range.upperBound - range.lowerBound, isStored: true)
    var bytes = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound))
    try BulkCopy.withMutableRawSpan(of: &bytes) { (target) throws(StorageError) in
      try trees.read(record, range, into: &target)
    }
    return bytes
  }
}

extension ObjectRecord {
  /// What a caller gets to know.
  func info(_ key: ObjectKey) -> ObjectInfo {
    ObjectInfo(
      key: key, size: size, etag: tag.text, isETagDerived: tag.isDerived, modified: modified,
      contentType: String(decoding: contentType, as: UTF8.self), metadata: metadata,
      checksums: checksums.map {
        ObjectChecksum(
          algorithm: String(decoding: $0.algorithm, as: UTF8.self), value: String(decoding: $0.value, as: UTF8.self))
      })
  }

  /// The record of an object that is to be put, without its contents.
  init(_ options: ObjectOptions, modified: UInt64) {
    self.init(
      size: 0, modified: modified, tag: options.etag.map { .given(Array($0.utf8)) } ?? .derived(0),
      contentType: Array(options.contentType.utf8), metadata: options.metadata,
      checksums: options.checksums.map {
        Checksum(algorithm: Array($0.algorithm.utf8), value: Array($0.value.utf8))
      },
      contents: .inline([]))
  }

  /// The options that a put of this object would have.
  var options: ObjectOptions {
    let info = info(ObjectKey([]))
    return ObjectOptions(
      contentType: info.contentType, metadata: info.metadata, etag: info.isETagDerived ? nil : info.etag,
      checksums: info.checksums)
  }
}
