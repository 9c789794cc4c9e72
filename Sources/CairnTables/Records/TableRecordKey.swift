import CairnBytes
import CairnVolumes

/// The keys of a tables volume's root tree: a kind, then what the record is of, in big-endian numbers.
///
///     00                       the volume's header
///     01 | table (4)           a table
///     02 | table (4)           the next number of its auto-increment column, 8 bytes little-endian
///     03 | table (4) | name    what a principal may do with it
///     04 | table (4) | n (2)   how far the building of its n-th index came
///     05 | table (4) | n (2)   statistics of its n-th index
///     06 | n (4)               the n-th migration that was made: its name
///     07                       how far a migration came that is made in steps: its own bytes
enum TableRecordKey {
  static let header: [UInt8] = [0]

  static let cursor: [UInt8] = [7]

  static func table(_ id: UInt32) -> [UInt8] { key(1, id) }
  static func counter(_ id: UInt32) -> [UInt8] { key(2, id) }
  static func grant(_ id: UInt32, _ principal: Principal) -> [UInt8] { key(3, id) + principal.bytes }
  static func grants(_ id: UInt32) -> [UInt8] { key(3, id) }
  static func build(_ id: UInt32, _ index: Int) -> [UInt8] { key(4, id, index) }
  static func statistics(_ id: UInt32, _ index: Int) -> [UInt8] { key(5, id, index) }
  static func migration(_ number: UInt32) -> [UInt8] { key(6, number) }

  /// The bounds of all records of a kind, for one table if it is named.
  static func range(_ kind: UInt8, of id: UInt32? = nil) -> (from: [UInt8], to: [UInt8]) {
    guard let id else { return ([kind], [kind + 1]) }
    return (key(kind, id), id == .max ? [kind + 1] : key(kind, id + 1))
  }

  private static func key(_ kind: UInt8, _ id: UInt32) -> [UInt8] {
    var key = [kind]
    KeyEncoding.append(id, to: &key)
    return key
  }

  private static func key(_ kind: UInt8, _ id: UInt32, _ index: Int) -> [UInt8] {
    var key = key(kind, id)
    KeyEncoding.append(UInt16(truncatingIfNeeded: index), to: &key)
    return key
  }

  /// The table that a key belongs to, and what stands behind it.
  static func split(_ key: [UInt8]) -> (kind: UInt8, id: UInt32, rest: [UInt8])? {
    guard key.count >= 5, key[0] >= 1, key[0] <= 6 else { return nil }
    var id: UInt32 = 0
    for byte in key[1..<5] { id = id << 8 | UInt32(byte) }
    return (key[0], id, Array(key[5...]))
  }
}
