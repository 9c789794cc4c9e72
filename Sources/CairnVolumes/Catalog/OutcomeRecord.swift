package import CairnBytes

/// How a multi-call transaction ended, kept for a day so that a client that lost the answer gets the same one again.
///
///     offset  size  field
///          0     1  version of this record, 1
///          1     1  outcome: 1 committed, 2 rolled back, 3 expired, 4 rolled back for a conflict
///          2     8  when, nanoseconds since 1970
///         10     n  owner: varint length (0: the owner of the store), the bytes
///                m  volume of the conflict: varint length, UTF-8; empty for the other outcomes
///                k  key of the conflict: varint length, the bytes
package struct OutcomeRecord: Equatable, Sendable {
  /// How it ended.
  package enum Outcome: Equatable, Sendable {
    case committed
    case rolledBack
    case expired
    case conflict(volume: String, key: [UInt8])
  }

  package var outcome: Outcome
  package var endedAt: UInt64
  package var owner: Principal?

  package init(outcome: Outcome, endedAt: UInt64, owner: Principal?) {
    self.outcome = outcome
    self.endedAt = endedAt
    self.owner = owner
  }

  /// Most bytes kept of a conflict's key.
  package static let keyByteCountMax = 1040
  /// Most bytes kept of a conflict's volume.
  package static let volumeByteCountMax = VolumeRecord.nameByteCountMax

  private static let version: UInt8 = 1
}

extension OutcomeRecord {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    var conflict: (volume: [UInt8], key: [UInt8]) = ([], [])
    switch outcome {
    case .committed: writer.uint8(1)
    case .rolledBack: writer.uint8(2)
    case .expired: writer.uint8(3)
    case .conflict(let volume, let key):
      writer.uint8(4)
      // A filesystem may have named something longer; it is left out rather than cut in the middle of a character.
      let name = Array(volume.utf8)
      conflict = (name.count <= Self.volumeByteCountMax ? name : [], Array(key.prefix(Self.keyByteCountMax)))
    }
    writer.uint64(endedAt)
    writer.lengthPrefixed(owner?.bytes ?? [])
    writer.lengthPrefixed(conflict.volume)
    writer.lengthPrefixed(conflict.key)
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    let code = try reader.uint8()
    endedAt = try reader.uint64()
    owner = Principal(stored: try reader.lengthPrefixed(limit: Principal.byteCountMax))
    let volume = String(validating: try reader.lengthPrefixed(limit: Self.volumeByteCountMax), as: UTF8.self)
    let key = try reader.lengthPrefixed(limit: Self.keyByteCountMax)
    guard let volume else { throw .malformed }
    switch code {
    case 1: outcome = .committed
    case 2: outcome = .rolledBack
    case 3: outcome = .expired
    case 4: outcome = .conflict(volume: volume, key: key)
    default: throw .malformed
    }
    guard code == 4 || (volume.utf8.isEmpty && key.isEmpty) else { throw .malformed }
    try reader.finish()
  }
}
