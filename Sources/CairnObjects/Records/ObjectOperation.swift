package import CairnBytes

/// A change of a volume of objects, as a multi-call transaction stages it. Buckets stand in it by name: their ids are
/// only known when it is applied.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  1 create bucket, 2 delete bucket, 3 put, 4 delete, 5 add to contents, 6 give contents back
///          2     n  bucket: varint length, UTF-8; empty for 5 and 6
///                   create bucket:
///                8  time
///                   put:
///                n  key: varint length, bytes
///                n  ObjectConditions, as below
///                n  ObjectRecord: varint length, bytes
///                n  runs of the data tree, in order: varint count; each: varint length, DataRun. Of contents that were
///                   begun with 5 those that are missing
///                   delete:
///                n  key, ObjectConditions
///                   add to contents:
///                8  data id
///                8  offset, a multiple of 1 MiB
///                n  runs, as above
///                   give contents back:
///                8  data id
///
/// Conditions: a byte of flags (bit 0 If-Match, 1 If-Match is `*`, 2 If-None-Match, 3 it is `*`, 4 If-Modified-Since,
/// 5 If-Unmodified-Since), then for each list of tags a varint count and the tags (varint length, UTF-8), then 8 bytes
/// for each time.
package enum ObjectOperation: Equatable, Sendable {
  case createBucket(String, created: UInt64)
  case deleteBucket(String)
  case put(ObjectPut)
  case delete(bucket: String, key: [UInt8], ObjectConditions)
  case addContents(id: UInt64, offset: UInt64, [DataRun])
  case giveBackContents(id: UInt64)

  private static let version: UInt8 = 1

  private enum Code {
    static let createBucket: UInt8 = 1
    static let deleteBucket: UInt8 = 2
    static let put: UInt8 = 3
    static let delete: UInt8 = 4
    static let addContents: UInt8 = 5
    static let giveBackContents: UInt8 = 6
  }
}

/// What a put changes.
package struct ObjectPut: Equatable, Sendable {
  package var bucket: String
  package var key: [UInt8]
  package var conditions: ObjectConditions
  package var record: ObjectRecord
  /// The runs of contents that the record names by a data id, behind those that are there already, unfinished.
  package var runs: [DataRun]

  package init(bucket: String, key: [UInt8], conditions: ObjectConditions, record: ObjectRecord, runs: [DataRun]) {
    self.bucket = bucket
    self.key = key
    self.conditions = conditions
    self.record = record
    self.runs = runs
  }
}

extension ObjectOperation {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    switch self {
    case .createBucket(let bucket, let created):
      writer.uint8(Code.createBucket)
      writer.lengthPrefixed(Array(bucket.utf8))
      writer.uint64(created)
    case .deleteBucket(let bucket):
      writer.uint8(Code.deleteBucket)
      writer.lengthPrefixed(Array(bucket.utf8))
    case .put(let put):
      writer.uint8(Code.put)
      writer.lengthPrefixed(Array(put.bucket.utf8))
      writer.lengthPrefixed(put.key)
      put.conditions.encode(into: &writer)
      writer.lengthPrefixed(put.record.encoded)
      Self.encode(put.runs, into: &writer)
    case .delete(let bucket, let key, let conditions):
      writer.uint8(Code.delete)
      writer.lengthPrefixed(Array(bucket.utf8))
      writer.lengthPrefixed(key)
      conditions.encode(into: &writer)
    case .addContents(let id, let offset, let runs):
      writer.uint8(Code.addContents)
      writer.lengthPrefixed([])
      writer.uint64(id)
      writer.uint64(offset)
      Self.encode(runs, into: &writer)
    case .giveBackContents(let id):
      writer.uint8(Code.giveBackContents)
      writer.lengthPrefixed([])
      writer.uint64(id)
    }
    return writer.bytes
  }

  private static func encode(_ runs: [DataRun], into writer: inout ByteWriter) {
    writer.varint(UInt64(runs.count))
    for run in runs { writer.lengthPrefixed(run.encoded) }
  }

  private static func runs(
    _ reader: inout ByteReader, blockByteCount: Int
  ) throws(ByteReader.Failure) -> [DataRun] {
    let count = try reader.varint()
    guard count <= UInt64(reader.remaining) else { throw .malformed }
    var runs: [DataRun] = []
    for _ in 0..<count {
      let run = try reader.lengthPrefixed(limit: reader.remaining)
      runs.append(try DataRun(decoding: run, blockByteCount: blockByteCount))
    }
    return runs
  }

  package init(decoding bytes: [UInt8], blockByteCount: Int) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    let code = try reader.uint8()
    let bucket = try reader.text(limit: ObjectLimits.bucketNameByteCountMax)
    switch code {
    case Code.createBucket: self = .createBucket(bucket, created: try reader.uint64())
    case Code.deleteBucket: self = .deleteBucket(bucket)
    case Code.put:
      let key = try reader.lengthPrefixed(limit: ObjectLimits.keyByteCountMax)
      let conditions = try ObjectConditions(decoding: &reader)
      let record = try reader.lengthPrefixed(limit: reader.remaining)
      let runs = try Self.runs(&reader, blockByteCount: blockByteCount)
      self = .put(
        ObjectPut(
          bucket: bucket, key: key, conditions: conditions,
          record: try ObjectRecord(decoding: record, blockByteCount: blockByteCount), runs: runs))
    case Code.delete:
      let key = try reader.lengthPrefixed(limit: ObjectLimits.keyByteCountMax)
      self = .delete(bucket: bucket, key: key, try ObjectConditions(decoding: &reader))
    case Code.addContents:
      let id = try reader.uint64()
      let offset = try reader.uint64()
      guard bucket.isEmpty, offset < ObjectLimits.objectByteCountMax,
        offset % UInt64(ObjectLimits.runByteCount) == 0
      else { throw .malformed }
      self = .addContents(id: id, offset: offset, try Self.runs(&reader, blockByteCount: blockByteCount))
    case Code.giveBackContents:
      guard bucket.isEmpty else { throw .malformed }
      self = .giveBackContents(id: try reader.uint64())
    default: throw .malformed
    }
    try reader.finish()
  }
}

extension ObjectConditions {
  private enum Flag {
    static let match: UInt8 = 1
    static let matchAny: UInt8 = 2
    static let noneMatch: UInt8 = 4
    static let noneMatchAny: UInt8 = 8
    static let modifiedSince: UInt8 = 16
    static let unmodifiedSince: UInt8 = 32
    static let all: UInt8 = 63
  }

  fileprivate func encode(into writer: inout ByteWriter) {
    var flags: UInt8 = 0
    if let ifMatch { flags |= Flag.match | (ifMatch == .any ? Flag.matchAny : 0) }
    if let ifNoneMatch { flags |= Flag.noneMatch | (ifNoneMatch == .any ? Flag.noneMatchAny : 0) }
    if ifModifiedSince != nil { flags |= Flag.modifiedSince }
    if ifUnmodifiedSince != nil { flags |= Flag.unmodifiedSince }
    writer.uint8(flags)
    ifMatch?.encode(into: &writer)
    ifNoneMatch?.encode(into: &writer)
    if let ifModifiedSince { writer.uint64(ifModifiedSince) }
    if let ifUnmodifiedSince { writer.uint64(ifUnmodifiedSince) }
  }

  fileprivate init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    let flags = try reader.uint8()
    guard flags <= Flag.all else { throw .malformed }
    self.init()
    ifMatch = try ETagMatch(decoding: &reader, flags, isPresent: Flag.match, isAny: Flag.matchAny)
    ifNoneMatch = try ETagMatch(decoding: &reader, flags, isPresent: Flag.noneMatch, isAny: Flag.noneMatchAny)
    if flags & Flag.modifiedSince != 0 { ifModifiedSince = try reader.uint64() }
    if flags & Flag.unmodifiedSince != 0 { ifUnmodifiedSince = try reader.uint64() }
  }
}

extension ETagMatch {
  fileprivate func encode(into writer: inout ByteWriter) {
    guard case .tags(let tags) = self else { return }
    writer.varint(UInt64(tags.count))
    for tag in tags { writer.lengthPrefixed(Array(tag.utf8)) }
  }

  fileprivate init?(
    decoding reader: inout ByteReader, _ flags: UInt8, isPresent: UInt8, isAny: UInt8
  ) throws(ByteReader.Failure) {
    guard flags & isPresent != 0 else {
      if flags & isAny != 0 { throw .malformed }
      return nil
    }
    if flags & isAny != 0 {
      self = .any
      return
    }
    let count = try reader.varint()
    guard count <= UInt64(reader.remaining) else { throw .malformed }
    var tags: [String] = []
    for _ in 0..<count { tags.append(try reader.text(limit: reader.remaining)) }
    self = .tags(tags)
  }
}

extension ByteReader {
  /// A text behind its length.
  fileprivate mutating func text(limit: Int) throws(Failure) -> String {
    guard let text = String(validating: try lengthPrefixed(limit: limit), as: UTF8.self) else { throw .malformed }
    return text
  }
}
