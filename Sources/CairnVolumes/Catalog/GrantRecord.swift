package import CairnBytes

/// The rights of a grant.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     4  rights, one bit each
package struct GrantRecord: Equatable, Sendable {
  package var rights: Rights

  package init(rights: Rights) { self.rights = rights }

  private static let version: UInt8 = 1
}

extension GrantRecord {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    writer.uint32(rights.rawValue)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    rights = Rights(rawValue: try reader.uint32())
    try reader.finish()
  }
}
