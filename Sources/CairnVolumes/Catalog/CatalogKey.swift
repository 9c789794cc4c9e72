/// The keys of the catalog tree. The first byte says what stands behind it.
///
///     key                                          value
///     01                                           StoreRecord
///     02 volume                                    VolumeRecord
///     03 name                                      volume id, 1 byte
///     04 volume                                    UsageRecord
///     05 scope volume principal                    GrantRecord; scope 0: the store (volume 0), 1: a volume
///     06 transaction (8, big-endian)               TransactionRecord
///     07 transaction (8, big-endian)               OutcomeRecord
///     08 time (8, big-endian) transaction (8)      nothing: the order in which outcomes are forgotten
///     09 number (8, big-endian)                    WorkRecord
enum CatalogKey {
  static let store: [UInt8] = [Tag.store]

  static func volume(_ id: VolumeID) -> [UInt8] { [Tag.volume, id.rawValue] }
  static func name(_ name: [UInt8]) -> [UInt8] { [Tag.name] + name }
  static func usage(_ id: VolumeID) -> [UInt8] { [Tag.usage, id.rawValue] }
  static func transaction(_ id: TransactionID) -> [UInt8] { [Tag.transaction] + bigEndian(id.rawValue) }
  static func outcome(_ id: TransactionID) -> [UInt8] { [Tag.outcome] + bigEndian(id.rawValue) }

  static func grant(_ principal: Principal, _ scope: GrantScope) -> [UInt8] {
    switch scope {
    case .store: [Tag.grant, 0, 0] + principal.bytes
    case .volume(let id): [Tag.grant, 1, id.rawValue] + principal.bytes
    }
  }

  static func outcomeOrder(_ time: UInt64, _ id: TransactionID) -> [UInt8] {
    [Tag.outcomeOrder] + bigEndian(time) + bigEndian(id.rawValue)
  }

  /// Long work by its number.
  static func work(_ id: UInt64) -> [UInt8] { [Tag.work] + bigEndian(id) }

  static let volumes = range(of: Tag.volume)
  static let grants = range(of: Tag.grant)
  static let transactions = range(of: Tag.transaction)
  static let works = range(of: Tag.work)

  static func grants(on id: VolumeID) -> KeyRange {
    KeyRange(
      low: [Tag.grant, 1, id.rawValue], high: id.rawValue == .max ? [Tag.grant, 2] : [Tag.grant, 1, id.rawValue + 1])
  }

  /// The outcomes from before `time`.
  static func outcomeOrder(before time: UInt64) -> KeyRange {
    KeyRange(low: [Tag.outcomeOrder], high: [Tag.outcomeOrder] + bigEndian(time))
  }

  /// The principal and the scope of a grant's key.
  static func grant(_ key: [UInt8]) -> (principal: Principal, scope: GrantScope)? {
    guard key.count > 3, key[0] == Tag.grant, key.count - 3 <= Principal.byteCountMax,
      let principal = Principal(stored: Array(key[3...]))
    else { return nil }
    switch key[1] {
    case 0: return key[2] == 0 ? (principal, .store) : nil
    case 1:
      guard let id = VolumeID(rawValue: key[2]) else { return nil }
      return (principal, .volume(id))
    default: return nil
    }
  }

  /// The volume of a volume's key.
  static func volume(_ key: [UInt8]) -> VolumeID? {
    guard key.count == 2, key[0] == Tag.volume else { return nil }
    return VolumeID(rawValue: key[1])
  }

  /// The transaction of a transaction's key.
  static func transaction(_ key: [UInt8]) -> TransactionID? {
    guard key.count == 9, key[0] == Tag.transaction else { return nil }
    return TransactionID(rawValue: bigEndian(key, at: 1))
  }

  /// The transaction of a key in the order of outcomes.
  static func outcomeOrder(_ key: [UInt8]) -> TransactionID? {
    guard key.count == 17, key[0] == Tag.outcomeOrder else { return nil }
    return TransactionID(rawValue: bigEndian(key, at: 9))
  }

  /// The number of long work's key.
  static func work(_ key: [UInt8]) -> UInt64? {
    guard key.count == 9, key[0] == Tag.work else { return nil }
    return bigEndian(key, at: 1)
  }

  private static func range(of tag: UInt8) -> KeyRange { KeyRange(low: [tag], high: [tag + 1]) }

  private enum Tag {
    static let store: UInt8 = 1
    static let volume: UInt8 = 2
    static let name: UInt8 = 3
    static let usage: UInt8 = 4
    static let grant: UInt8 = 5
    static let transaction: UInt8 = 6
    static let outcome: UInt8 = 7
    static let outcomeOrder: UInt8 = 8
    static let work: UInt8 = 9
  }
}

/// Eight bytes, the most significant first, so that byte order is the order of the numbers.
func bigEndian(_ value: UInt64) -> [UInt8] {
  var bytes: [UInt8] = []
  bytes.reserveCapacity(8)
  for shift in stride(from: UInt64(56), through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
  return bytes
}

/// The number that `bigEndian(_:)` wrote at `offset`, where eight bytes must be.
func bigEndian(_ bytes: [UInt8], at offset: Int) -> UInt64 {
  var value: UInt64 = 0
  for index in offset..<offset + 8 { value = value << 8 | UInt64(bytes[index]) }
  return value
}
