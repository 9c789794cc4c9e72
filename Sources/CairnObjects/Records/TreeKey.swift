/// The keys of the three trees of a volume of objects. Numbers are big-endian, so that they sort as numbers do.
///
///     tree      key                                  value
///     root      00                                   VolumeHeader
///               01 bucket name                       BucketRecord
///               02                                   the next bucket's id, 4 bytes, little-endian
///               03 data id (8)                       UnfinishedContents
///     objects   01 bucket id (4) key                 ObjectRecord
///     data      data id (8) offset (8)               DataRun
///
/// A data id is the number of the first block of the data: unique among all data that exist, and known before any tree
/// changes, so that a staged operation can carry it. Offsets are multiples of 1 MiB, the contents of a run.
///
/// Reserved, so that versions of objects, multipart uploads and tags can come without moving what is there: in the root
/// tree 04 and above, in the tree of objects 02 (versions), 03 (uploads), 04 (tags) and above.
package enum TreeKey {
  package static let header: [UInt8] = [0]
  package static let nextBucketID: [UInt8] = [2]
  private static let bucketSpace: UInt8 = 1
  private static let unfinishedSpace: UInt8 = 3
  private static let objectSpace: UInt8 = 1

  /// A bucket by its name.
  package static func bucket(_ name: String) -> [UInt8] { [bucketSpace] + Array(name.utf8) }
  /// The buckets.
  package static let buckets: (from: [UInt8], to: [UInt8]) = ([bucketSpace], [bucketSpace + 1])

  /// Contents that no object has yet, by their data id.
  package static func unfinished(_ id: UInt64) -> [UInt8] {
    var key: [UInt8] = [unfinishedSpace]
    append(id, byteCount: 8, to: &key)
    return key
  }

  /// The data id in such a key.
  package static func unfinishedID(_ key: [UInt8]) -> UInt64? {
    key.count == 9 && key[0] == unfinishedSpace ? number(key[1...]) : nil
  }

  /// The bytes of the name in a bucket's key.
  package static func bucketName(_ key: [UInt8]) -> [UInt8]? {
    key.first == bucketSpace && key.count > 1 ? Array(key[1...]) : nil
  }

  /// What the keys of all objects of a bucket begin with.
  package static func objects(of bucket: UInt32) -> [UInt8] {
    var key: [UInt8] = [objectSpace]
    append(UInt64(bucket), byteCount: 4, to: &key)
    return key
  }

  /// An object of a bucket.
  package static func object(_ bucket: UInt32, _ key: [UInt8]) -> [UInt8] { objects(of: bucket) + key }

  /// The bucket and the key of an object's key.
  package static func splitObject(_ key: [UInt8]) -> (bucket: UInt32, key: [UInt8])? {
    let prefix = ObjectLimits.keyPrefixByteCount
    guard key.count >= prefix, key[0] == objectSpace else { return nil }
    return (UInt32(truncatingIfNeeded: number(key[1..<prefix])), Array(key[prefix...]))
  }

  /// A run of data.
  package static func run(_ id: UInt64, offset: UInt64) -> [UInt8] {
    var key: [UInt8] = []
    append(id, byteCount: 8, to: &key)
    append(offset, byteCount: 8, to: &key)
    return key
  }

  /// The runs of some data.
  package static func runs(of id: UInt64) -> (from: [UInt8], to: [UInt8]?) {
    let from = run(id, offset: 0)
    return (from, successor(ofPrefix: Array(from[..<8])))
  }

  /// The data id and the offset of a run's key.
  package static func splitRun(_ key: [UInt8]) -> (id: UInt64, offset: UInt64)? {
    guard key.count == 16 else { return nil }
    return (number(key[..<8]), number(key[8...]))
  }

  /// The first byte string behind all those that begin with `prefix`; nil: there is none.
  package static func successor(ofPrefix prefix: [UInt8]) -> [UInt8]? {
    var end = prefix
    while let last = end.last {
      if last < .max {
        end[end.count - 1] = last + 1
        return end
      }
      end.removeLast()
    }
    return nil
  }

  private static func append(_ value: UInt64, byteCount: Int, to key: inout [UInt8]) {
    for index in (0..<byteCount).reversed() { key.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    for byte in bytes { value = value << 8 | UInt64(byte) }
    return value
  }
}
