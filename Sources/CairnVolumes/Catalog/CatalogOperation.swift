package import CairnBytes

/// A change of the catalog that a program asks for, as it is staged in multi-call transactions.
///
///     offset  size  field
///          0     1  version of this encoding, 1
///          1     1  what: 1 create, 2 remove, 3 rename, 4 quota, 5 reservation, 6 grant, 7 revoke, 8 begin work,
///                   9 cancel work
///          2        create:      volume 1, kind 4, format version 2, incarnation 8, quota 8 (all ones: none),
///                                reservation 8, owner, name, options (the last three: varint length, the bytes)
///                   remove:      volume 1, definition 8 (the new one)
///                   rename:      volume 1, name (varint length, the bytes)
///                   quota:       volume 1, bytes 8 (all ones: none)
///                   reservation: volume 1, bytes 8
///                   grant:       scope 1 (0 store, 1 volume), volume 1 (0 for the store), rights 4, principal
///                   revoke:      scope 1, volume 1, principal (varint length, the bytes)
///                   begin work:  WorkRecord (varint length, the bytes)
///                   cancel work: number 8
package enum CatalogOperation: Equatable, Sendable {
  /// What a new volume is.
  package struct NewVolume: Equatable, Sendable {
    package var id: VolumeID
    package var kind: VolumeKind
    package var formatVersion: UInt16
    package var incarnation: UInt64
    package var quotaByteCount: UInt64?
    package var reservationByteCount: UInt64
    package var owner: Principal?
    package var name: String
    package var options: [UInt8]
  }

  case create(NewVolume)
  case remove(VolumeID, definition: UInt64)
  case rename(VolumeID, name: String)
  case setQuota(VolumeID, UInt64?)
  case setReservation(VolumeID, UInt64)
  case grant(Principal, GrantScope, Rights)
  case revoke(Principal, GrantScope)
  case beginWork(WorkRecord)
  case cancelWork(UInt64)

  private static let version: UInt8 = 1
  /// Most bytes of the options of a new volume.
  package static let optionsByteCountMax = 65536
}

extension CatalogOperation {
  package var encoded: [UInt8] {
    var writer = ByteWriter()
    writer.uint8(Self.version)
    switch self {
    case .create(let volume):
      writer.uint8(1)
      writer.uint8(volume.id.rawValue)
      writer.uint32(volume.kind.rawValue)
      writer.uint16(volume.formatVersion)
      writer.uint64(volume.incarnation)
      writer.uint64(volume.quotaByteCount ?? .max)
      writer.uint64(volume.reservationByteCount)
      writer.lengthPrefixed(volume.owner?.bytes ?? [])
      writer.lengthPrefixed(Array(volume.name.utf8))
      writer.lengthPrefixed(volume.options)
    case .remove(let id, let definition):
      writer.uint8(2)
      writer.uint8(id.rawValue)
      writer.uint64(definition)
    case .rename(let id, let name):
      writer.uint8(3)
      writer.uint8(id.rawValue)
      writer.lengthPrefixed(Array(name.utf8))
    case .setQuota(let id, let quota):
      writer.uint8(4)
      writer.uint8(id.rawValue)
      writer.uint64(quota ?? .max)
    case .setReservation(let id, let reservation):
      writer.uint8(5)
      writer.uint8(id.rawValue)
      writer.uint64(reservation)
    case .grant(let principal, let scope, let rights):
      writer.uint8(6)
      Self.encode(scope, into: &writer)
      writer.uint32(rights.rawValue)
      writer.lengthPrefixed(principal.bytes)
    case .revoke(let principal, let scope):
      writer.uint8(7)
      Self.encode(scope, into: &writer)
      writer.lengthPrefixed(principal.bytes)
    case .beginWork(let record):
      writer.uint8(8)
      writer.lengthPrefixed(record.encoded)
    case .cancelWork(let id):
      writer.uint8(9)
      writer.uint64(id)
    }
    return writer.bytes
  }

  package init(decoding bytes: [UInt8]) throws(ByteReader.Failure) {
    var reader = ByteReader(bytes)
    guard try reader.uint8() == Self.version else { throw .malformed }
    switch try reader.uint8() {
    case 1: self = .create(try Self.newVolume(&reader))
    case 2: self = .remove(try Self.volume(&reader), definition: try reader.uint64())
    case 3: self = .rename(try Self.volume(&reader), name: try Self.name(&reader))
    case 4:
      let id = try Self.volume(&reader)
      let quota = try reader.uint64()
      self = .setQuota(id, quota == .max ? nil : quota)
    case 5: self = .setReservation(try Self.volume(&reader), try reader.uint64())
    case 6:
      let scope = try Self.scope(&reader)
      let rights = Rights(rawValue: try reader.uint32())
      self = .grant(try Self.principal(&reader), scope, rights)
    case 7:
      let scope = try Self.scope(&reader)
      self = .revoke(try Self.principal(&reader), scope)
    case 8: self = .beginWork(try WorkRecord(decoding: try reader.lengthPrefixed(limit: reader.remaining)))
    case 9: self = .cancelWork(try reader.uint64())
    default: throw .malformed
    }
    try reader.finish()
  }

  private static func newVolume(_ reader: inout ByteReader) throws(ByteReader.Failure) -> NewVolume {
    let id = try volume(&reader)
    guard let kind = VolumeKind(rawValue: try reader.uint32()) else { throw .malformed }
    let formatVersion = try reader.uint16()
    let incarnation = try reader.uint64()
    let quota = try reader.uint64()
    return NewVolume(
      id: id, kind: kind, formatVersion: formatVersion, incarnation: incarnation,
      quotaByteCount: quota == .max ? nil : quota, reservationByteCount: try reader.uint64(),
      owner: Principal(stored: try reader.lengthPrefixed(limit: Principal.byteCountMax)), name: try name(&reader),
      options: try reader.lengthPrefixed(limit: optionsByteCountMax))
  }

  private static func volume(_ reader: inout ByteReader) throws(ByteReader.Failure) -> VolumeID {
    guard let id = VolumeID(rawValue: try reader.uint8()) else { throw .malformed }
    return id
  }

  private static func name(_ reader: inout ByteReader) throws(ByteReader.Failure) -> String {
    let bytes = try reader.lengthPrefixed(limit: VolumeRecord.nameByteCountMax)
    guard let name = String(validating: bytes, as: UTF8.self), VolumeRecord.isAllowed(name: name) else {
      throw .malformed
    }
    return name
  }

  private static func principal(_ reader: inout ByteReader) throws(ByteReader.Failure) -> Principal {
    guard let principal = Principal(stored: try reader.lengthPrefixed(limit: Principal.byteCountMax)) else {
      throw .malformed
    }
    return principal
  }

  private static func encode(_ scope: GrantScope, into writer: inout ByteWriter) {
    switch scope {
    case .store:
      writer.uint8(0)
      writer.uint8(0)
    case .volume(let id):
      writer.uint8(1)
      writer.uint8(id.rawValue)
    }
  }

  private static func scope(_ reader: inout ByteReader) throws(ByteReader.Failure) -> GrantScope {
    switch try reader.uint8() {
    case 0:
      guard try reader.uint8() == 0 else { throw .malformed }
      return .store
    case 1: return .volume(try volume(&reader))
    default: throw .malformed
    }
  }
}
