package import CairnBytes

/// An object.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  where the contents are: 0 here, 1 in one run that stands here, 2 in runs under a data id
///                   (3 is reserved for the parts of a multipart upload)
///          2     1  flags: bit 0, the caller gave the ETag; the others 0 (reserved for tags, versions, delete markers)
///          3     1  0
///          4     8  bytes of contents
///         12     8  time of the put, nanoseconds since 1970
///         20     n  ETag: 8 bytes of which the derived one is the digits; a given one: varint length, bytes
///                n  content type: varint length, UTF-8
///                n  metadata: varint count; each: name and value, both varint length, bytes; ascending by name
///                n  checksums: varint count; each: algorithm and value, both varint length, UTF-8
///                n  contents, to the end: 0 the bytes; 1 a DataRun; 2 the data id, 8 bytes
package struct ObjectRecord: Equatable, Sendable {
  /// Where the contents are.
  package enum Contents: Equatable, Sendable {
    /// In the record.
    case inline([UInt8])
    /// In one run that stands in the record.
    case run(DataRun)
    /// In runs of the data tree.
    case indexed(id: UInt64)
  }

  /// The tag of the contents.
  package enum Tag: Equatable, Sendable {
    /// Made by the store.
    case derived(UInt64)
    /// Given by the caller.
    case given([UInt8])
  }

  package var size: UInt64
  package var modified: UInt64
  package var tag: Tag
  package var contentType: [UInt8]
  package var metadata: ObjectMetadata
  package var checksums: [Checksum]
  package var contents: Contents

  /// A checksum as it stands in the record.
  package struct Checksum: Equatable, Sendable {
    package var algorithm: [UInt8]
    package var value: [UInt8]

    package init(algorithm: [UInt8], value: [UInt8]) {
      self.algorithm = algorithm
      self.value = value
    }
  }

  package init(
    size: UInt64, modified: UInt64, tag: Tag, contentType: [UInt8], metadata: ObjectMetadata, checksums: [Checksum],
    contents: Contents
  ) {
    self.size = size
    self.modified = modified
    self.tag = tag
    self.contentType = contentType
    self.metadata = metadata
    self.checksums = checksums
    self.contents = contents
  }

  private static let version: UInt8 = 1
  private static let givenTagFlag: UInt8 = 1

  private enum Placement {
    static let inline: UInt8 = 0
    static let run: UInt8 = 1
    static let indexed: UInt8 = 2
  }
}

extension ObjectRecord {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    switch contents {
    case .inline: writer.uint8(Placement.inline)
    case .run: writer.uint8(Placement.run)
    case .indexed: writer.uint8(Placement.indexed)
    }
    switch tag {
    case .derived: writer.uint8(0)
    case .given: writer.uint8(Self.givenTagFlag)
    }
    writer.uint8(0)
    writer.uint64(size)
    writer.uint64(modified)
    switch tag {
    case .derived(let digest): writer.uint64(digest)
    case .given(let text): writer.lengthPrefixed(text)
    }
    writer.lengthPrefixed(contentType)
    writer.varint(UInt64(metadata.entries.count))
    for entry in metadata.entries {
      writer.lengthPrefixed(entry.name)
      writer.lengthPrefixed(entry.value)
    }
    writer.varint(UInt64(checksums.count))
    for checksum in checksums {
      writer.lengthPrefixed(checksum.algorithm)
      writer.lengthPrefixed(checksum.value)
    }
    switch contents {
    case .inline(let bytes): writer.append(bytes)
    case .run(let run): run.encode(into: &writer)
    case .indexed(let id): writer.uint64(id)
    }
    return writer.bytes
  }

  package init(decoding bytes: [UInt8], blockByteCount: Int) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    let head = try ObjectHead(decoding: &reader)
    size = head.size
    modified = head.modified
    tag = head.tag
    contentType = try reader.lengthPrefixed(limit: ObjectLimits.contentTypeByteCountMax)
    guard Self.isText(contentType) else { throw .malformed }
    metadata = try Self.metadata(&reader)
    checksums = try Self.checksums(&reader)
    switch head.placement {
    case Placement.inline:
      guard size == UInt64(reader.remaining) else { throw .malformed }
      contents = .inline(try reader.bytes(count: reader.remaining))
    case Placement.run:
      let run = try DataRun(decoding: &reader, blockByteCount: blockByteCount)
      guard run.byteCount == size else { throw .malformed }
      contents = .run(run)
    case Placement.indexed:
      guard size > 0, size <= ObjectLimits.objectByteCountMax else { throw .malformed }
      contents = .indexed(id: try reader.uint64())
    default: throw .malformed
    }
    try reader.finish()
  }

  private static func metadata(_ reader: inout ByteReader) throws(ByteReader.Failure) -> ObjectMetadata {
    let count = try reader.varint()
    guard count <= UInt64(ObjectLimits.metadataCountMax) else { throw .malformed }
    var entries: [ObjectMetadata.Entry] = []
    for _ in 0..<count {
      let name = try reader.lengthPrefixed(limit: ObjectLimits.metadataNameByteCountMax)
      let value = try reader.lengthPrefixed(limit: ObjectLimits.metadataByteCountMax)
      if name.isEmpty { throw .malformed }
      if let last = entries.last, !last.name.lexicographicallyPrecedes(name) { throw .malformed }
      entries.append(ObjectMetadata.Entry(name: name, value: value))
    }
    return ObjectMetadata(ascending: entries)
  }

  private static func checksums(_ reader: inout ByteReader) throws(ByteReader.Failure) -> [Checksum] {
    let count = try reader.varint()
    guard count <= UInt64(ObjectLimits.checksumCountMax) else { throw .malformed }
    var checksums: [Checksum] = []
    for _ in 0..<count {
      let algorithm = try reader.lengthPrefixed(limit: ObjectLimits.checksumByteCountMax)
      let value = try reader.lengthPrefixed(limit: ObjectLimits.checksumByteCountMax)
      guard isText(algorithm), isText(value) else { throw .malformed }
      checksums.append(Checksum(algorithm: algorithm, value: value))
    }
    return checksums
  }

  private static func isText(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }
}

/// The first fields of an object's record: what a listing and a condition look at.
package struct ObjectHead: Equatable, Sendable {
  package let placement: UInt8
  package let size: UInt64
  package let modified: UInt64
  package let tag: ObjectRecord.Tag

  /// More bytes than these fields take: enough of a record to read them.
  package static let byteCountMax = 24 + ObjectLimits.etagByteCountMax

  package init(decoding reader: inout ByteReader) throws(ByteReader.Failure) {
    guard try reader.uint8() == 1 else { throw .malformed }
    placement = try reader.uint8()
    let flags = try reader.uint8()
    guard flags <= 1, try reader.uint8() == 0 else { throw .malformed }
    size = try reader.uint64()
    modified = try reader.uint64()
    if flags == 0 {
      tag = .derived(try reader.uint64())
    } else {
      let text = try reader.lengthPrefixed(limit: ObjectLimits.etagByteCountMax)
      guard !text.isEmpty, text.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 }) else { throw .malformed }
      tag = .given(text)
    }
  }
}

extension ObjectRecord.Tag {
  /// The ETag as it is shown.
  package var text: String {
    switch self {
    case .derived(let digest): Hexadecimal.text(digest, digitCount: 16)
    case .given(let bytes): String(decoding: bytes, as: UTF8.self)
    }
  }

  package var isDerived: Bool {
    if case .derived = self { true } else { false }
  }
}
