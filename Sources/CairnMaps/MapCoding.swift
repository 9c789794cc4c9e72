import CairnBlocks
import CairnBytes
import CairnVolumes

/// Between typed keys and values and the bytes of a map.
enum MapCoding {
  static func encode<Key: Storable>(key: Key) throws(StorageError) -> [UInt8] {
    var bytes: [UInt8] = []
    let size = Key.storedType.size
    if let limit = size.limit { bytes.reserveCapacity(limit) }
    key.encode(into: &bytes)
    if let limit = size.limit, bytes.count > limit {
      throw .invalidArgument(
        "a key of type \(Key.storedType.name) takes \(bytes.count) bytes; its type promises at most \(limit)")
    }
    return bytes
  }

  static func decode<Key: Storable>(key: RawSpan, of map: ByteMap) throws(StorageError) -> Key {
    try decode(key, of: map) { (bytes) throws(ByteReader.Failure) -> Key in
      var offset = 0
      let decoded = try Key(decoding: bytes, at: &offset)
      guard offset == bytes.count else { throw .trailing }
      return decoded
    }
  }

  static func decode<Value: Storable>(value: RawSpan, of map: ByteMap) throws(StorageError) -> Value {
    try decode(value, of: map) { (bytes) throws(ByteReader.Failure) in try Value(decodingAlone: bytes) }
  }

  private static func decode<Decoded>(
    _ bytes: RawSpan, of map: ByteMap, _ body: (Span<UInt8>) throws(ByteReader.Failure) -> Decoded
  ) throws(StorageError) -> Decoded {
    do throws(ByteReader.Failure) {
      return try BulkCopy.withBytes(of: bytes, body)
    } catch {
      throw .damaged(Damage(block: map.entries.rootBlock, reason: .malformed))
    }
  }
}
